"""How much is kept of a history, and how seldom the closed runs in its archive are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.events.live.domain import EMPTY, History, Schedule, compile_version
from tests.events.live.resuming import Kept, told_at, whole
from tests.events.live.story import Happened, journey, keyed, named, on

RETURNS = {"returnedWhen": named("Order Returned")}


def schedule_of(version: dict[str, Any]) -> Schedule:
    return Schedule("webshop", [compile_version(version)])


def asked(before: Sequence[Happened], *events: Happened, by: dict[str, Any]) -> list[str | int]:
    """What events from day 30 on ask of the archive, long after those before: keys, and portions of runs at rest."""
    schedule = schedule_of(by)
    history = whole(schedule, [*before, on(29, "Newsletter Opened")])
    archive = Kept(told_at(history))
    resumed = History(schedule, history.state(), archive)
    for event in events:
        resumed.add(event)
    return archive.asked


def test_the_state_does_not_grow_with_the_history() -> None:
    names = ["Product Viewed", "Order Completed", "Order Returned", "Order Cancelled"]
    events = [on(day, names[day % 4], f"{day // 2}") for day in range(0, 4000, 10)]

    state = whole(schedule_of(keyed(**RETURNS)), [*events, on(5000, "Newsletter Opened")]).state()

    assert state.open == ()
    assert len(msgspec.msgpack.encode(state)) < 20


def test_what_is_not_the_journeys_business_leaves_no_state() -> None:
    assert whole(schedule_of(journey()), [on(0, "Newsletter Opened"), on(1, "Order Returned")]).state() == EMPTY


def test_only_what_ends_runs_or_needs_a_new_key_asks_the_archive() -> None:
    by = keyed(**RETURNS, scope=named("Noted"))
    before = [on(0, "Order Completed", "A"), on(1, "Product Viewed"), on(2, "Order Completed", "B")]
    ordinary = [on(30, "Product Viewed", "A"), on(31, "Order Completed"), on(32, "Noted", "Q"), on(33, "Noted")]

    assert asked(before, *ordinary, by=by) == []
    assert asked(before, *ordinary, on(34, "Order Returned", "A"), by=by) == []  # the open one is later than any
    assert asked(before, on(30, "Order Returned", "A"), on(31, "Order Cancelled", "A"), by=by) == ["A"]
    assert asked(before, on(30, "Order Cancelled", "X"), by=by) == ["X"]  # and none at rest lacks a key
    assert asked(before, on(30, "Order Returned"), on(31, "Order Returned"), by=by) == [0, 1]
    assert asked([*before, on(3, "Order Completed")], on(30, "Order Returned", "X"), by=by) == ["X", 0]


def test_of_the_runs_at_rest_only_the_latest_are_read() -> None:
    by = journey(cancelledWhen=named("Order Cancelled"), **RETURNS)
    before = [on(day, "Order Completed") for day in range(0, 20, 3)]

    assert asked(before, on(40, "Order Returned"), by=by) == [0]
    assert asked(before, on(40, "Order Returned"), on(41, "Order Cancelled"), by=by) == [0, 1]
    by = keyed(**RETURNS)
    before = [on(0, "Order Completed"), on(3, "Order Completed"), on(6, "Order Completed", "A"), on(7, "Other")]
    assert asked(before, on(40, "Order Returned", "X"), by=by) == ["X", 0, 1]
    returns = [on(40 + day, "Order Returned", key) for day, key in enumerate("XYZ")]
    assert asked(before, *returns, by=by) == ["X", 0, 1, "Y", 2, "Z"]


def test_a_start_asks_only_if_keys_are_used_once() -> None:
    before = [on(0, "Order Completed", "A")]
    starts = on(30, "Product Viewed", "A"), on(31, "Product Viewed", "A"), on(32, "Product Viewed", "B")

    assert asked(before, *starts, by=keyed()) == []
    assert asked(before, *starts, by=keyed(reentry="AFTER_END")) == []
    assert asked(before, *starts, by=keyed(reentry="NEVER")) == ["A", "B"]


def test_nothing_is_asked_where_no_closed_run_matters() -> None:
    before = [on(0, "Product Viewed")]
    ends = on(30, "Order Returned", "A"), on(31, "Order Cancelled"), on(32, "Product Viewed", "B")

    assert asked(before, *ends, by=keyed(**RETURNS, reentry="NEVER")) == []
