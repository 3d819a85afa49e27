"""The doctor finds nothing where nothing is wrong, and names what is where something is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, update

from services.events import tables
from services.events.doctor import Examined, Options, Part, examine
from services.events.insights.store import counted
from services.events.live.state import read_states, write_states
from tests.events.projector.any_order.play import Player
from tests.events.projector.any_order.script import Script, Turn
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]
Plant = Callable[[Reality], Awaitable[bytes]]
"""Makes one thing wrong; of which customer."""

_USERS = 6
_TURNS = (Turn.HEAR, Turn.PROJECT, Turn.TRICKLE, Turn.REWRITE, Turn.LEAP, Turn.HEAR, Turn.PROJECT, Turn.BACK)
SHOP = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "V", "recognisedBy": 'name == "View"'}],
        },
        {"key": "buy", "name": "Buy", "touchpoints": [{"key": "bought", "name": "B", "recognisedBy": 'name == "Buy"'}]},
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}
_EVERYBODY = Options(customers=None, seed=0)


def unwatched(_part: Part, _done: int, _of: int) -> None:
    """Nobody looks."""


async def examined(reality: Reality, options: Options = _EVERYBODY) -> Examined:
    return await examine(reality.log_database, reality.state, options, unwatched, lambda: reality.now)


@pytest.fixture
async def lived(database_url: str) -> AsyncIterator[Reality]:
    """Some customers with histories that are long enough for checkpoints, and still on their way."""
    async with Reality(database_url) as reality:
        await reality.publish([SHOP])
        await reality.publish_personas([{"key": "buyer", "version": 1, "matches": 'seen("Buy", "P9D")'}])
        reality.now = EPOCH + 40 * DAY
        for user in range(_USERS):
            await reality.record([visit(f"{user}.{number}", number / 2, f"u{user}") for number in range(80)])
        await reality.project()
        yield reality


def visit(message_id: str, day: float, user: str) -> Json:
    who: Json = {"identifiers": [("user_id", user)], "verified": True}
    return plain_event(message_id, "View" if day % 9 else "Buy", EPOCH + int(day * DAY), **who)


async def test_nothing_is_wrong_after_merges_late_events_versions_and_clocks(database_url: str) -> None:
    async with Reality(database_url) as reality:
        async with Player(reality, Script(seed=1, hot=40, turns=_TURNS)) as player:
            await player.play()
        found = await examined(reality)
        assert found == Examined(customers=len(await reality.rows(tables.customers)))
        assert found.is_well


async def test_a_sample_is_chosen_again_by_its_seed(lived: Reality) -> None:
    async with lived.state.write() as connection:
        await connection.execute(update(tables.customers).values(first_event="0-0"))
    first = await examined(lived, Options(customers=5, seed=7))
    assert len(first.differences) == 5
    assert first == await examined(lived, Options(customers=5, seed=7))
    assert first != await examined(lived, Options(customers=5, seed=8))


async def test_who_is_about_to_be_folded_is_left_out(lived: Reality) -> None:
    customer = (await lived.rows(tables.customers))[0].customer
    async with lived.state.write() as connection:
        await connection.execute(update(tables.customers).where(_is(customer)).values(first_event="0-0"))
        mark = {"xid": 1, "seq": 1, "partition": 0, "from_key": b"", "to_key": b"", "events": 0}
        await connection.execute(tables.dirty.insert().values(workspace=WORKSPACE, customer=customer, **mark))
    found = await examined(lived)
    assert (found.waiting, found.is_well) == (1, True)


def _is(customer: bytes) -> Any:
    return tables.customers.c.customer == customer


async def a_customer_less(reality: Reality) -> bytes:
    return await _delete_one(reality, tables.customers)


async def a_step_less(reality: Reality) -> bytes:
    return await _delete_one(reality, tables.steps)


async def a_checkpoint_less(reality: Reality) -> bytes:
    return await _delete_one(reality, tables.checkpoints)


async def an_occurrence_less(reality: Reality) -> bytes:
    occurrence = (await reality.rows(tables.occurrences))[0]
    [owner] = [row for row in await reality.rows(tables.identifiers) if row.profile == occurrence.profile]
    async with reality.state.write() as connection:
        await connection.execute(delete(tables.occurrences).where(tables.occurrences.c.key == occurrence.key))
    return bytes(owner.customer)


async def _delete_one(reality: Reality, table: Any) -> bytes:
    row = (await reality.rows(table))[0]
    async with reality.state.write() as connection:
        this = [column == getattr(row, column.name) for column in table.primary_key.columns]
        await connection.execute(delete(table).where(*this))
    return bytes(row.customer)


async def another_status(reality: Reality) -> bytes:
    row = next(row for row in await reality.rows(tables.instances) if row.status != "CANCELLED")
    async with reality.state.write() as connection:
        this = [column == getattr(row, column.name) for column in tables.instances.primary_key.columns]
        await connection.execute(update(tables.instances).where(*this).values(status="CANCELLED"))
    return bytes(row.customer)


async def another_state(reality: Reality) -> bytes:
    for row in await reality.rows(tables.customers):
        states = read_states(row.state)
        for build, state in states.items():
            if state.started:
                altered = states | {build: state._replace(started=state.started + 1)}
                await _alter(reality, row.customer, state=write_states(altered))
                return bytes(row.customer)
    raise AssertionError("nobody has been on a journey")


async def another_trait(reality: Reality) -> bytes:
    row = (await reality.rows(tables.customers))[0]
    await _alter(reality, row.customer, traits=msgspec.msgpack.encode({"plan": [b'"gold"', row.first_key]}))
    return bytes(row.customer)


async def no_deadline(reality: Reality) -> bytes:
    row = next(row for row in await reality.rows(tables.customers) if row.due_at is not None)
    await _alter(reality, row.customer, due_at=None)
    return bytes(row.customer)


async def _alter(reality: Reality, customer: bytes, **columns: Any) -> None:
    async with reality.state.write() as connection:
        await connection.execute(update(tables.customers).where(_is(customer)).values(**columns))


@pytest.mark.parametrize(
    ("plant", "kind", "counters_too"),
    [
        (a_customer_less, "customer", False),
        (a_step_less, "steps", True),
        (a_checkpoint_less, "checkpoints", False),
        (an_occurrence_less, "occurrences", False),
        (another_status, "instances", True),
        (another_state, "state", False),
        (another_trait, "traits", False),
        (no_deadline, "deadline", False),
    ],
)
async def test_what_is_wrong_with_a_customer_is_named(
    lived: Reality, plant: Plant, kind: str, counters_too: bool
) -> None:
    customer = await plant(lived)
    found = await examined(lived)
    assert found.differences == {customer.hex(): [kind]}
    assert bool(found.wrong_counters) is counters_too


async def test_a_counter_that_is_off_by_one_is_named(lived: Reality) -> None:
    async with lived.state.read(snapshot=True) as connection:
        cell = min(await counted(connection, WORKSPACE))
        journey = (await connection.execute(select(tables.builds.c.journey, tables.builds.c.build))).all()
    async with lived.state.write() as connection:
        row = (await connection.execute(select(tables.counters).where(*_at(cell)))).one()
        plain = msgspec.msgpack.decode(row.body)
        name = min(plain)
        body = msgspec.msgpack.encode(plain | {name: plain[name] + 1})
        await connection.execute(update(tables.counters).where(*_at(cell)).values(body=body))

    found = await examined(lived)

    assert found.differences == {}
    expected = ({build: key for key, build in journey}[cell.build], cell.version, cell.span, cell.day, "")
    assert found.wrong_counters == [expected]


async def test_counts_and_names_of_sources_that_are_off_are_named(lived: Reality) -> None:
    async with lived.state.write() as connection:
        await connection.execute(update(tables.source_counts).values(events=tables.source_counts.c.events + 1))
    found = await examined(lived)
    assert found.wrong_sources == [(WORKSPACE, "shop", ["counts"])]
    assert not found.is_well

    async with lived.state.write() as connection:
        await connection.execute(delete(tables.source_names).where(tables.source_names.c.name == "Buy"))
    assert (await examined(lived)).wrong_sources == [(WORKSPACE, "shop", ["counts", "names"])]


def _at(cell: Any) -> list[Any]:
    return [tables.counters.c[name] == value for name, value in cell._asdict().items()]
