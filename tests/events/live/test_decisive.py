"""The few steps that decided where an instance stands are found among all of them, by their indexes."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import event as listening
from sqlalchemy import text

from services.events import tables
from services.events.intake.position import Place
from services.events.live.decisive import DecisiveQueries
from services.events.live.domain import Schedule, Status, compile_version
from services.events.live.past.folding import Past, folded
from services.events.timeline.entry import Entry
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.lives import Life, happening
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded
from tests.support.state import State

Json = dict[str, Any]
USER = ("user_id", "u1")
_SECRET = b"s" * 16
PAUSES = "ix_steps_workspace_customer_build_instance_key"


def shop(**fields: Any) -> Json:
    def touchpoint(key: str, name: str) -> Json:
        return {"key": key, "name": name, "recognisedBy": f'name == "{name}"'}

    return {
        "key": "shop",
        "name": "Shop",
        "version": 1,
        "effectiveFrom": None,
        "publishedAt": "2026-01-01T00:00:00Z",
        "phases": [
            {"key": "look", "name": "Look", "touchpoints": [touchpoint("viewed", "View")]},
            {"key": "buy", "name": "Buy", "touchpoints": [touchpoint("paid", "Pay"), touchpoint("ordered", "Order")]},
        ],
        "goal": 'name == "Order"',
        "cancelledWhen": 'name == "Cancel"',
        "returnedWhen": 'name == "Return"',
        "pausedWhen": 'name == "Wait"',
        "resumedWhen": 'name == "Back"',
        "scope": 'name == "Help"',
        "instanceKey": "properties.order",
        "patience": "P4D",
        "pausePatience": "P6D",
    } | fields


async def test_what_is_stored_and_what_is_folded_name_the_same_steps(database_url: str) -> None:
    chance = Random(7)
    names = ["View", "View", "Pay", "Pay", "Order", "Cancel", "Return", "Wait", "Wait", "Back", "Help", "Help"]

    def happens(user: int, number: int) -> Json:
        order = chance.choice([{}, {}, {"order": "A"}, {"order": "B"}])
        moment = EPOCH + chance.randrange(40) * DAY // 2
        who = {"identifiers": [("user_id", f"u{user}")], "verified": True}
        return plain_event(f"{user}-{number}", chance.choice(names), moment, properties=order) | who

    histories = [[happens(user, number) for number in range(chance.randrange(1, 25))] for user in range(60)]
    async with Reality(database_url) as reality:
        reality.now = EPOCH + 21 * DAY
        await reality.publish([shop()])
        places = [await reality.record(history) for history in histories]
        await reality.project()
        stored = {row.instance: row.customer for row in await reality.rows(tables.instances)}
        found = await DecisiveQueries(reality.state).read(WORKSPACE, stored)

    pasts = [_past(history, place, reality.now) for history, place in zip(histories, places, strict=True)]
    told = {id: past.standing(id) for past in pasts for id in past.instances}
    assert found == told
    assert len(told) > 150
    assert {standing.last.status for standing in found.values()} == {*Status} - {Status.ABANDONED}


def _past(history: list[Json], place: Place, now: int) -> Past:
    entries = [Entry.of(place.seq, slot, recorded(event)) for slot, event in enumerate(history)]
    return folded({"shop": Schedule("shop", [compile_version(shop())])}, _SECRET, b"", entries, now)


async def test_an_instance_that_is_not_known_is_not_explained(database_url: str) -> None:
    async with State(database_url) as state:
        await state.publish(shop())
        life = Life(state, USER)
        [event] = await life.goes_on(happening("m0", "View", 0, USER))
        known = await state.instance("one", life.id, event)
        path, asked = "/internal/instances/explain", ["00" * 16, known, "x", known]
        [nobody, one, no_id, again] = (await state.post(path, instances=asked))["explanations"]
        assert (nobody, no_id, one) == (None, None, again)
        assert one[0] == {
            "text": 'It began with "View" on 2026-01-01 00:00:00 UTC, recognised by touchpoint "View" of phase "Look".',
            "events": [event],
            "rule": 'name == "View"',
            "modelVersion": 1,
        }
        assert await state.post(path, instances=[]) == {"explanations": []}
        assert await state.refusal(path, instances=["x"] * 101) == (422, "INVALID", [["instances"]])

        past = "/internal/past/instances/explain"
        run = {"customer": life.id, "instance": known}
        gone: list[Json] = [run | {"customer": "x"}, run | {"instance": "x"}, run]
        answer = await state.post(past, asOf="2026-01-01T00:00:00Z", instances=gone)
        assert answer == {"explanations": [None, None, None]}, "its id was not made from its history"
        refusal = await state.refusal(past, asOf="2026-01-01T00:00:00Z", instances=[run] * 101)
        assert refusal == (422, "INVALID", [["instances"]])


async def test_a_long_life_is_explained_out_of_a_few_rows(database_url: str) -> None:
    """Thousands of steps without a pause: whether there was one is asked of the index of pauses."""
    async with State(database_url) as state:
        await state.publish(shop())
        customer = await state.customer(USER)
        ids = await state.record(*(happening(f"m{number}", "View", number / 4_000, USER) for number in range(4_000)))
        instance = await state.instance("one", customer, *ids)
        async with state.database.write() as connection:
            await connection.execute(text("ANALYZE"))
        plans = await _plans(state, bytes.fromhex(instance))
        assert len(plans) == 4, "the instance, its first step, the last, and the latest pause"
        assert PAUSES in plans[-1]
        for plan in plans:
            assert "Seq Scan on steps" not in plan
            assert "SCAN head" not in plan


async def _plans(state: State, instance: bytes) -> list[str]:
    """How the database goes about each query that reads where the instance stands."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    engine = state.database.engine.sync_engine
    listening.listen(engine, "before_cursor_execute", note)
    await DecisiveQueries(state.database).read("default", [instance])
    listening.remove(engine, "before_cursor_execute", note)
    verb = "EXPLAIN QUERY PLAN" if state.database.is_sqlite else "EXPLAIN"
    plans = []
    async with state.database.read() as connection:
        for statement, parameters in asked:
            rows = await connection.exec_driver_sql(f"{verb} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in rows))
    return plans
