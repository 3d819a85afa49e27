"""What cannot be folded is left out, listed and tried again; everything and everybody else goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import answer_problems
from services.events import tables
from services.events.access import AUDIENCE, workspace_of
from services.events.projector import api
from services.events.projector.bench import MANY_EVENTS
from tests.events.projector.hands import Fault, Hands, assert_as_expected, customer_of, expected, visible
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

OTHER, THIRD = ("user_id", "other"), ("user_id", "third")
NOW = EPOCH + 30 * DAY
POISON = "poison"
KEYED = SHOP | {"key": "orders", "instanceKey": "properties.order_id"}
UNSTORABLE = {"order_id": "a\x00b"}
"""Intake refuses U+0000, which no text of PostgreSQL can hold; a log may hold what another release let pass."""


@pytest.fixture
async def reality(database_url: str) -> AsyncIterator[Reality]:
    async with Reality(database_url) as opened:
        opened.now = NOW
        await opened.publish([SHOP])
        yield opened


@pytest.fixture
async def on_postgresql(postgresql_url: str) -> AsyncIterator[Reality]:
    async with Reality(postgresql_url) as opened:
        opened.now = NOW
        await opened.publish([SHOP, KEYED])
        yield opened


def a_life(*identifiers: tuple[str, str], prefix: str = "m", poison_at: int | None = 3) -> list[Json]:
    """Two runs; one of the events, if any, is the poison."""
    names = ["View", "View", "Buy", "View", "View", "Buy"]
    return [
        event(POISON if number == poison_at else f"{prefix}{number}", name, number, *identifiers)
        for number, name in enumerate(names)
    ]


async def stuck_events(reality: Reality) -> list[tuple[bytes, str, str]]:
    return [(row.customer, row.event, row.error) for row in await reality.rows(tables.stuck)]


async def tables_of(reality: Reality) -> dict[str, list[Any]]:
    """Everything that a projector makes of the log, but for leases."""
    names = ("customers", "instances", "steps", "checkpoints", "counters", "stuck", "timeline", "identifiers")
    return {name: await reality.rows(getattr(tables, name)) for name in names}


async def listed(reality: Reality) -> Json:
    """What the service answers at /internal/projection/stuck."""
    tokens = ServiceTokens("a signing key that is long enough for HMAC")
    app = FastAPI()
    answer_problems(app)
    app.include_router(api.router(reality.progress, lambda: reality.now, workspace_of(tokens)))
    headers = {"Authorization": f"Bearer {tokens.mint(AUDIENCE, WORKSPACE)}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://events", headers=headers) as client:
        answer: Json = (await client.get("/internal/projection/stuck")).json()
        return answer


# --- an event --------------------------------------------------------------------------------------------------------


async def test_a_poison_event_is_left_out_and_listed_and_the_lane_goes_on(reality: Reality) -> None:
    events = a_life(USER) + a_life(OTHER, prefix="o", poison_at=None)
    await reality.record(events)
    async with Hands(reality, Fault(POISON)) as hands:
        await hands.finish()
        assert await hands.marks() == {}
        answer = await listed(reality)
        assert [item | {"since": None} for item in answer["items"]] == [
            {"customer": customer_of(*USER).hex(), "event": "2-3", "error": "ArithmeticError", "since": None}
        ]
        found = await reality.customers()
        without = [one for one in events if one["messageId"] != POISON]
        assert [one["instances"] for one in found] == [one["instances"] for one in expected(without, [SHOP], NOW)]

        await reality.record([event("late", "View", 1.5, USER), event("next", "View", 7, USER)])
        await hands.finish()
        assert [event for _customer, event, _error in await stuck_events(reality)] == ["2-3"]
        assert len((await reality.customers())[0]["instances"][1]["steps"]) == 2


async def test_after_the_mend_the_tables_are_as_if_it_had_never_failed(reality: Reality, tmp_path: Any) -> None:
    first, then = a_life(USER), [event("late", "Buy", 1.5, USER, OTHER), *a_life(OTHER, prefix="o", poison_at=None)]
    await reality.record(first)
    async with Hands(reality, Fault(POISON)) as hands:
        await hands.finish()
        await reality.record(then)
        await hands.finish()
        assert len(await stuck_events(reality)) == 1
    async with Hands(reality) as mended:
        await mended.finish()
    await assert_as_expected(reality, first + then, [SHOP])

    async with Reality(f"sqlite:///{tmp_path}/never/test.db") as never:
        never.now = NOW
        await never.publish([SHOP])
        for events in (first, then):
            await never.record(events)
            await never.project()
        assert await tables_of(reality) == await tables_of(never)


async def test_a_poison_event_that_moves_to_another_customer_is_listed_there(reality: Reality) -> None:
    await reality.record([event("old", "View", -1, OTHER), *a_life(USER)])
    async with Hands(reality, Fault(POISON)) as hands:
        await hands.finish()
        await reality.record([event("link", "Else", 9, USER, OTHER)])
        await hands.finish()
        assert [row[:2] for row in await stuck_events(reality)] == [(customer_of(*OTHER), "2-4")]
        assert (await reality.progress.status(WORKSPACE)).stuck == 1


async def test_a_version_that_takes_the_poison_is_the_mend_too(reality: Reality) -> None:
    events = a_life(USER)
    second = SHOP | {"version": 2, "patience": "P1D"}
    await reality.record(events)
    async with Hands(reality, Fault(POISON, version=1)) as hands:
        await hands.finish()
        assert len(await stuck_events(reality)) == 1
        await reality.publish([second])
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP, second])


# --- a customer ------------------------------------------------------------------------------------------------------


async def test_a_customer_of_many_poison_events_is_left_alone_and_loses_nothing(reality: Reality) -> None:
    poison = [event(f"p{number}", "View", number / 5, USER) for number in range(25)]
    await reality.record(a_life(OTHER, prefix="o", poison_at=None))
    async with Hands(reality, Fault(*(one["messageId"] for one in poison))) as hands:
        await hands.finish()
        events = [event("m0", "View", 5, USER)]
        await reality.record(events)
        await hands.finish()
        await reality.record(poison)
        await hands.finish()
        assert await stuck_events(reality) == [(customer_of(*USER), "", "ArithmeticError")]

        later = [event("m1", "Buy", 6, USER)]
        await reality.record(later)
        await hands.finish()
        assert await stuck_events(reality) == [(customer_of(*USER), "", "ArithmeticError")]
    async with Hands(reality) as mended:
        await mended.finish()
    await assert_as_expected(reality, a_life(OTHER, prefix="o", poison_at=None) + events + poison + later, [SHOP])


async def test_what_came_while_a_customer_was_left_alone_counts_once_it_can_be_folded(reality: Reality) -> None:
    """A late event was lost on the way: the next one brings it back."""
    poison = [event(f"p{number}", "View", number / 5, USER) for number in range(25)]
    events = [event("m0", "View", 5, USER), *poison]
    broken = Fault(*(one["messageId"] for one in poison))
    async with Hands(reality, broken) as hands:
        await reality.record(events[:1])
        await hands.finish()
        await reality.record(poison)
        await hands.finish()
        broken.mend()  # the same process: nothing is tried again but what is marked
        events.append(event("m1", "Buy", 6, USER))
        await reality.record(events[-1:])
        await hands.finish()
    await assert_as_expected(reality, events, [SHOP])


async def test_a_customer_that_was_left_alone_during_a_rebuild_is_under_the_new_build_too(reality: Reality) -> None:
    poison = [event(f"p{number}", "View", number / 5, USER) for number in range(25)]
    others = a_life(OTHER, prefix="o", poison_at=None)
    second = SHOP | {"version": 2, "patience": "P1D"}
    await reality.record(others)
    async with Hands(reality, Fault(*(one["messageId"] for one in poison))) as hands:
        await reality.record([event("m0", "View", 5, USER)])
        await hands.finish()
        await reality.record(poison)
        await hands.finish()
        await reality.publish([second])
        await hands.finish()
        assert (await reality.progress.status(WORKSPACE)).rebuilds == []
        assert await stuck_events(reality) == [(customer_of(*USER), "", "ArithmeticError")]
    async with Hands(reality) as mended:
        await mended.finish()
    await assert_as_expected(reality, [*others, event("m0", "View", 5, USER), *poison], [SHOP, second])


# --- what the database refuses ---------------------------------------------------------------------------------------


async def test_a_customer_with_a_long_history_that_cannot_be_stored_is_set_aside(on_postgresql: Reality) -> None:
    reality = on_postgresql
    long = [event(f"m{number}", "Else", number / 500, USER) for number in range(MANY_EVENTS)]
    await reality.record([*long, event("bad", "View", 9, USER, properties=UNSTORABLE)])
    async with Hands(reality) as hands:
        await hands.finish()
        assert await stuck_events(reality) == [(customer_of(*USER), "", "CharacterNotInRepertoireError")]
        assert await hands.marks() == {}


async def test_a_rebuild_goes_past_a_customer_that_cannot_be_stored_under_the_new_build(on_postgresql: Reality) -> None:
    reality = on_postgresql
    users = [("user_id", f"u{number}") for number in range(40)]
    events = [one for number, user in enumerate(users) for one in a_life(user, prefix=f"u{number}.", poison_at=None)]
    bad = event("bad", "View", 9, users[7], properties={"name": "a\x00b"})
    keyed = SHOP | {"version": 2, "instanceKey": "properties.name"}
    await reality.record([*events, bad])
    async with Hands(reality) as hands:
        await hands.finish()
        await reality.publish([keyed])
        await hands.finish()
        assert (await reality.progress.status(WORKSPACE)).rebuilds == []
        assert await stuck_events(reality) == [(customer_of(*users[7]), "", "CharacterNotInRepertoireError")]
        under_new = {row.customer for row in await reality.rows(tables.instances) if row.version == 2}
        assert under_new == await visible(reality) - {customer_of(*users[7])}


async def test_a_poison_event_is_listed_though_its_fold_is_made_twice(reality: Reality) -> None:
    """Beside it an order is cancelled that has closed long ago: the fold has to ask for it and begin anew."""
    orders = KEYED | {"cancelledWhen": 'name == "Cancel"'}
    await reality.publish([orders])
    first = [event("b", "Buy", 0, USER, properties={"order_id": "1"}), event("v", "View", 20, USER)]
    await reality.record(first)
    then = [event(POISON, "View", 21, USER), event("c", "Cancel", 22, USER, properties={"order_id": "1"})]
    async with Hands(reality, Fault(POISON)) as faulty:
        await faulty.finish()
        await reality.record(then)
        await faulty.finish()
        assert [error for _customer, _event, error in await stuck_events(reality)] == ["ArithmeticError"]
    async with Hands(reality) as mended:
        await mended.finish()
    assert await stuck_events(reality) == []
    await assert_as_expected(reality, first + then, [SHOP, orders])
