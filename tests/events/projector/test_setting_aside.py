"""What the first stage cannot take in is found, set aside and listed; everything and everybody else goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import DBAPIError

from infra.chassis.errors import Unavailable
from services.events import tables
from services.events.control.store import ControlStore
from services.events.doctor import Options, examine
from services.events.intake.slots import Published, PublishedPersona, Recorded, Refused, Slot
from services.events.intake.writer import LogWriter
from services.events.projector.leases import LeaseLost
from services.events.projector.setting_aside import is_about_entries, narrow
from services.events.rejected.handlers import Resubmission
from services.events.rejected.queries import RejectedQueries
from services.events.timeline.store import CONFLICTING_DUPLICATE, UNPROCESSABLE
from tests.events.projector.any_order.tables import contents
from tests.events.projector.hands import assert_as_expected
from tests.events.projector.test_projection import SHOP, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded
from tests.support.replaying import replayed

Json = dict[str, Any]

USER = ("user_id", "u")
UNSTORABLE = ("nul\x00type", "x")
"""Intake refuses it. No text of PostgreSQL can hold it, SQLite can."""
BROKEN = b'{"key": "shop", "version": 2}'


def lives(users: int) -> list[Json]:
    """Two events of each."""
    return [
        event(f"{name}{user}", name, number, ("user_id", f"u{user}"))
        for number, name in enumerate(["View", "Buy"])
        for user in range(users)
    ]


def poison(message_id: str, **more: Any) -> Recorded:
    """What PostgreSQL cannot hold."""
    return recorded(event(message_id, "View", 1, UNSTORABLE, USER, **more))


def good(events: Sequence[Json]) -> list[Slot]:
    return [recorded(one) for one in events]


async def listed(reality: Reality) -> list[tuple[str, str]]:
    return [(f"{row.seq}-{row.slot}", row.code) for row in await reality.rows(tables.rejected_events)]


async def assert_replay_and_doctor_agree(reality: Reality) -> None:
    before = await contents(reality)
    await replayed(reality)
    assert await contents(reality) == before
    everybody = Options(customers=None, seed=0)
    found = await examine(reality.log_database, reality.state, everybody, lambda *_: None, lambda: reality.now)
    assert found.is_well


def set_aside(kind: str) -> float:
    return REGISTRY.get_sample_value("klantreis_projector_set_aside_total", {"kind": kind}) or 0.0


@pytest.fixture
async def on_postgresql(postgresql_url: str) -> Any:
    async with Reality(postgresql_url) as opened:
        opened.now = EPOCH + 30 * DAY
        await opened.publish([SHOP])
        yield opened


# --- the narrowing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "calls"), [(set(), 1), ({0}, 13), ({63}, 13), ({31, 32}, 23), ({5, 6}, 15), (set(range(64)), 127)]
)
async def test_narrowing_takes_the_others_once_and_in_order(bad: set[int], calls: int) -> None:
    taken: list[int] = []
    tried: list[Sequence[int]] = []

    async def take(stretch: Sequence[int]) -> bool:
        tried.append(stretch)
        if bad.intersection(stretch):
            return False
        taken.extend(stretch)
        return True

    assert await narrow(range(64), take) == sorted(bad)
    assert taken == [number for number in range(64) if number not in bad]
    assert len(tried) == calls


async def test_nothing_is_narrowed_without_a_call() -> None:
    async def take(_stretch: Sequence[int]) -> bool:
        raise AssertionError

    assert await narrow([], take) == []


class _Answer(Exception):
    """As a driver raises it."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "is_about"),
    [
        (KeyError("kind"), True),
        (DBAPIError("", None, _Answer("22021")), True),
        (DBAPIError("", None, _Answer("54000")), True),
        (DBAPIError("", None, _Answer("40001")), False),  # serialization
        (DBAPIError("", None, _Answer("55P03")), False),  # a lock
        (DBAPIError("", None, _Answer("23505")), False),  # another was faster
        (DBAPIError("", None, _Answer("42P01")), False),  # no such table
        (Unavailable("The database is not answering; try again."), False),
        (LeaseLost("identify/default"), False),
        (TimeoutError(), False),
    ],
)
def test_only_what_entries_say_is_a_reason_to_narrow(error: Exception, is_about: bool) -> None:
    assert is_about_entries(error) is is_about


# --- what the database refuses ---------------------------------------------------------------------------------------


async def test_poison_among_many_is_listed_and_all_others_are_projected(on_postgresql: Reality) -> None:
    """As the first and the last slot of the log, and as two neighbours amid a row."""
    reality, events = on_postgresql, lives(20)
    slots = good(events)
    bad_reason = Refused("shop", EPOCH + DAY, "BAD_VALUE", "a\x00b", ("a\x00b",), b"{}")
    counted = set_aside("event")
    await reality.append([poison("p0"), *slots[:15]])
    await reality.append([*slots[15:20], poison("p1"), poison("p2"), *slots[20:30]])
    await reality.append([*slots[30:], bad_reason])
    await reality.append([poison("p3")])
    await reality.project()

    spots = ["2-0", "3-5", "3-6", "4-10", "5-0"]
    assert await listed(reality) == [(spot, UNPROCESSABLE) for spot in spots]
    assert set_aside("event") - counted == 5
    await assert_as_expected(reality, events, [SHOP])
    [rejected] = [row for row in await reality.rows(tables.rejected_events) if row.seq == 5]
    assert (rejected.source, rejected.received_at, rejected.path) == ("shop", EPOCH + DAY, "[]")
    assert msgspec.json.decode(rejected.body)["identifiers"] == [list(UNSTORABLE), list(USER)]
    assert rejected.message == (
        "The log has it, but this release cannot take it in. A replay by one that can makes it count."
    )
    codes = {row.code: row.events for row in await reality.rows(tables.source_counts) if row.code}
    assert codes == {UNPROCESSABLE: 5}
    await assert_replay_and_doctor_agree(reality)


async def test_what_is_set_aside_does_not_depend_on_what_is_read_together(on_postgresql: Reality) -> None:
    """Its message id counts: a repeat is one, and another content contradicts it."""
    reality = on_postgresql
    other = recorded(event("p0", "Buy", 2, USER))
    for slots in ([poison("p0"), poison("p0")], [poison("p0"), *good(lives(2))], [other, poison("p1")], [other]):
        await reality.append(slots)
        await reality.project()
    assert await listed(reality) == [
        ("2-0", UNPROCESSABLE),
        ("4-0", CONFLICTING_DUPLICATE),
        ("4-1", UNPROCESSABLE),
        ("5-0", CONFLICTING_DUPLICATE),
    ]
    await assert_replay_and_doctor_agree(reality)


async def test_only_a_step_that_fails_costs_anything(on_postgresql: Reality) -> None:
    """One failure for all that is read together, none for what comes behind it."""

    def failures() -> float:
        return REGISTRY.get_sample_value("klantreis_projector_failures_total") or 0.0

    reality, before = on_postgresql, failures()
    await reality.append([*good(lives(3)), poison("p0")])
    await reality.append([poison("p1")])
    await reality.project()
    assert failures() - before == 1
    await reality.append([recorded(event("next", "View", 3, USER))])
    await reality.project()
    assert failures() - before == 1
    assert len(await listed(reality)) == 2


async def test_sending_it_again_records_nothing_and_a_database_that_can_takes_it(
    on_postgresql: Reality, sqlite_url: str
) -> None:
    reality = on_postgresql
    await reality.append([poison("p0"), recorded(event("m0", "View", 0, USER))])
    await reality.project()
    rejected, control = RejectedQueries(reality.state), ControlStore(reality.log_database)
    again = Resubmission(rejected, control, reality.log, LogWriter(reality.log, lambda: reality.now))
    done = await again.resubmit(WORKSPACE, ["2-0"])
    assert done.place is None
    assert [(one.message_id, one.code) for one in done.results] == [("p0", UNPROCESSABLE)]

    async with Reality(sqlite_url) as able:
        able.now = reality.now
        await able.publish([SHOP])
        await able.append([poison("p0"), recorded(event("m0", "View", 0, USER))])
        await able.project()
        assert await listed(able) == []
        assert [one["events"] for one in await able.customers()] == [["m0", "p0"]]


# --- what has no place in any history --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strange", [{"kind": "hologram"}, {"identifiers": ()}, {"sequence": 1 << 63}], ids=["kind", "nobody", "sequence"]
)
async def test_an_event_that_no_history_can_hold_is_set_aside(database_url: str, strange: Json) -> None:
    async with Reality(database_url) as reality:
        reality.now = EPOCH + 30 * DAY
        await reality.publish([SHOP])
        events = lives(3)
        odd = msgspec.structs.replace(recorded(event("odd", "Buy", 1, USER)), **strange)
        await reality.append([odd, *good(events), odd])
        # The persona is the first to ask about "Buy": what was logged is looked through.
        await reality.publish_personas([{"key": "buyer", "version": 1, "matches": 'seen("Buy", "P9D")'}])
        await reality.project()
        assert await listed(reality) == [("2-0", UNPROCESSABLE)]
        await assert_as_expected(reality, events, [SHOP])
        await assert_replay_and_doctor_agree(reality)


# --- published versions ----------------------------------------------------------------------------------------------


async def test_a_version_that_cannot_be_taken_in_is_left_out(database_url: str) -> None:
    async with Reality(database_url) as reality:
        reality.now = EPOCH + 30 * DAY
        await reality.publish([SHOP])
        await reality.project()
        counted, events = set_aside("version"), lives(3)
        broken: list[Slot] = [Published("shop", 2, BROKEN), PublishedPersona("buyer", 1, b"{}")]
        await reality.append([*good(events[:2]), *broken, *good(events[2:])])
        await reality.project()
        assert set_aside("version") - counted == 2
        assert await listed(reality) == []
        assert [(row.journey, row.version) for row in await reality.rows(tables.models)] == [("shop", 1)]
        await assert_as_expected(reality, events, [SHOP])
        await assert_replay_and_doctor_agree(reality)
