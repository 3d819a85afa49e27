"""Histories folded on from where they stood: what is kept of them, and what is looked up of runs long closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.events.live.domain import (
    BEFORE_START,
    History,
    HistoryState,
    Schedule,
    Start,
    Trail,
    alike,
    compile_version,
    fold,
)
from tests.events.live.resuming import Kept, merged, stored, told_at, whole
from tests.events.live.story import DAY, Happened, heard, journey, keyed, line, named, on

RETURNS = {"returnedWhen": named("Order Returned")}
CANCELS = {"cancelledWhen": named("Order Cancelled")}
PAUSES = {"pausedWhen": named("Checkout Paused"), "pausePatience": "P9D"}
REASONS = {"dropOffReasons": [{"reason": "EXTRA_COST", "when": named("Checkout Started")}]}


def schedule_of(*versions: dict[str, Any] | None) -> Schedule:
    return Schedule("webshop", [compile_version(version) for version in versions if version is not None])


def told_from_anywhere(
    *happened: Happened, by: dict[str, Any], now: float, then: dict[str, Any] | None = None
) -> list[str]:
    """The instances in words, the same wherever the history is cut and resumed: also just before each event.

    `then` is a second version.
    """
    schedule, clock = schedule_of(by, then), round(now * DAY)
    moments = {event.occurred_at / DAY for event in happened}
    events = sorted([*happened, *(on(day - 1e-9, "Newsletter Opened") for day in moments)], key=lambda event: event.key)
    expected, state = fold(schedule, events, clock), whole(schedule, events).state()
    for cut in range(len(events) + 1):
        before = whole(schedule, events[:cut])
        history = History(schedule, stored(before.state()), Kept(told_at(before)))
        for event in events[cut:]:
            history.add(event)
        assert merged(told_at(before), history.until(clock)) == expected.instances
        assert before.untaken + history.untaken == expected.untaken
        assert history.state() == state
    return [line(instance) for instance in expected.instances]


# What a run takes with it


def test_an_open_run_goes_on() -> None:
    by = journey(**PAUSES, **REASONS)
    events = on(0, "Product Viewed"), on(1, "Checkout Started"), on(2, "Checkout Paused"), on(3, "Product Viewed")

    assert told_from_anywhere(*events, by=by, now=20) == [
        "1 ABANDONED in look, ended 10, EXTRA_COST by Checkout Started on 1: "
        "START viewed, FORWARD started, STAY -, BACK viewed"
    ]
    assert told_from_anywhere(*events[:3], by=journey(**PAUSES), now=20) == [
        "1 ABANDONED in buy, ended 11, PAUSED by Checkout Paused on 2: START viewed, FORWARD started, STAY -"
    ]


def test_the_goals_phase_decides_about_aftercare() -> None:
    by = journey(goal="properties.done == true")
    events = on(0, "Manual Opened", done=True), on(1, "Product Reviewed"), on(2, "Checkout Started")

    assert told_from_anywhere(*events, by=by, now=3) == [
        "1 COMPLETED in love, ended 0, due 8: START opened, FORWARD reviewed",
        "2 ACTIVE in buy, due 9: REENTER started",
    ]


def test_an_instance_remembers_its_first_step_and_how_far_it_came() -> None:
    first = heard(0, "Product Viewed", device="phone", source="app", context={"variant": "b"})
    by = journey()
    by["phases"][0]["touchpoints"][0]["channel"] = "web"
    before = whole(schedule_of(by), [first, on(1, "Manual Opened"), heard(2, "Checkout Started", channel="shop")])

    history = History(schedule_of(by), stored(before.state()))
    (instance,) = history.until(3 * DAY)

    assert instance.start == Start(first.id, first.key, 0, "web", "phone", "app", "b")
    assert (instance.phase, instance.furthest, instance.steps) == ("buy", "use", [])
    assert instance.walked_from == Trail("started", 2 * DAY, "shop", "phone", "website")
    assert told_at(before)[0].walked_from == BEFORE_START


@pytest.mark.parametrize("variant", [None, 7, True, ["b"]])
def test_a_variant_is_a_text(variant: object) -> None:
    (instance,) = fold(schedule_of(journey()), [heard(0, "Product Viewed", context={"variant": variant})], 0).instances

    assert instance.start.variant is None


# What closed runs have left behind


@pytest.mark.parametrize("key", [None, "A"])
def test_a_run_at_rest_is_returned(key: str | None) -> None:
    events = on(0, "Product Viewed", key), on(1, "Order Completed", key), on(30, "Order Returned", key)
    by = keyed(**RETURNS)

    assert told_from_anywhere(*events, by=by, now=30) == [
        f"1{f'({key})' if key else ''} RETURNED in buy, ended 30, UNKNOWN: START viewed, FORWARD completed, STAY -"
    ]
    rested, returned = told_at(whole(schedule_of(by), events[:2])), told_at(whole(schedule_of(by), events))
    assert (rested[0].resting, rested[0].end_key) == (None, None)  # it may still be in aftercare
    (late,) = whole(schedule_of(by), events[:2]).until(30 * DAY)
    assert late.resting is not None
    assert late.end_key is None
    assert (returned[0].resting, returned[0].end_key) == (late.resting, events[2].key)


def test_what_has_been_returned_is_not_returned_again() -> None:
    by = keyed(**RETURNS)
    events = (
        on(0, "Order Completed", "A"),
        on(1, "Order Completed", "B"),
        on(30, "Order Returned", "A"),
        on(31, "Order Returned"),
        on(32, "Order Returned", "A"),
        on(33, "Order Returned"),
    )

    assert told_from_anywhere(*events, by=by, now=33) == [
        "1(A) RETURNED in buy, ended 30, UNKNOWN: START completed, STAY -",
        "2(B) RETURNED in buy, ended 31, UNKNOWN: REENTER completed, STAY -",
    ]


def test_what_an_event_without_a_key_has_returned_is_not_returned_by_its_key() -> None:
    completed = on(0, "Order Completed", "A"), on(1, "Order Completed", "B")
    returned = on(30, "Order Returned"), on(31, "Order Returned", "B"), on(32, "Order Returned", "A")

    assert told_from_anywhere(*completed, *returned, by=keyed(**RETURNS), now=32) == [
        "1(A) RETURNED in buy, ended 32, UNKNOWN: START completed, STAY -",
        "2(B) RETURNED in buy, ended 30, UNKNOWN: REENTER completed, STAY -",
    ]


def test_of_runs_at_rest_and_in_aftercare_the_one_that_moved_last_is_returned() -> None:
    long = journey(**RETURNS, patience="P3D", goal="properties.done == true")
    long["phases"][3]["patience"] = "P60D"
    events = (
        on(0, "Product Reviewed", done=True),  # in aftercare until day 60
        on(1, "Order Completed", done=True),
        on(30, "Order Returned"),
        on(31, "Order Returned"),
    )

    assert told_from_anywhere(*events, by=long, now=31) == [
        "1 RETURNED in love, ended 31, UNKNOWN: START reviewed, STAY -",
        "2 RETURNED in buy, ended 30, UNKNOWN: REENTER completed, STAY -",
    ]


def test_of_runs_at_rest_the_one_that_moved_last_is_returned() -> None:
    events = on(0, "Checkout Started", "A"), on(1, "Order Completed", "B"), on(2, "Order Completed", "A")

    assert [
        words.split()[:2]
        for words in told_from_anywhere(*events, on(30, "Order Returned"), by=keyed(**RETURNS), now=30)
    ] == [["1(A)", "RETURNED"], ["2(B)", "COMPLETED"]]


def test_a_run_at_rest_is_returned_by_its_own_version() -> None:
    first, second = keyed(**RETURNS), keyed(version=2, effectiveFrom="1970-01-11T00:00:00Z")
    events = (
        on(0, "Order Completed", "A"),
        on(1, "Order Completed"),
        on(20, "Order Returned"),
        on(21, "Order Returned", "A"),
    )

    assert told_from_anywhere(*events, by=first, then=second, now=21) == [
        "1(A) RETURNED in buy, ended 21, UNKNOWN: START completed, STAY -",
        "2 RETURNED in buy, ended 20, UNKNOWN: REENTER completed, STAY -",
    ]


def test_of_runs_at_rest_that_moved_at_the_same_moment_the_later_one_is_returned() -> None:
    by = keyed(**RETURNS)
    events = on(0, "Order Completed", "A"), on(0, "Order Completed", "B"), on(30, "Order Returned")

    assert [words.split()[:2] for words in told_from_anywhere(*events, by=by, now=30)] == [
        ["1(A)", "COMPLETED"],
        ["2(B)", "RETURNED"],
    ]


def test_a_run_at_rest_adopts_the_key_that_ends_it() -> None:
    by = keyed(**RETURNS, reentry="NEVER")
    events = (
        on(0, "Order Completed"),
        on(30, "Order Returned", "A"),
        on(31, "Order Returned", "A"),
        on(40, "Product Viewed", "A"),
        on(41, "Product Viewed"),
    )

    assert told_from_anywhere(*events, by=by, now=41) == [
        "1(A) RETURNED in buy, ended 30, UNKNOWN: START completed, STAY -",
        "2 ACTIVE in look, due 48: REENTER viewed",  # there is no run without a key any more
    ]


def test_a_cancellation_takes_an_open_run_before_one_at_rest() -> None:
    events = on(0, "Order Completed"), on(20, "Product Viewed"), on(21, "Order Cancelled"), on(22, "Order Cancelled")

    assert told_from_anywhere(*events, by=journey(**CANCELS), now=22) == [
        "1 CANCELLED in buy, ended 22, UNKNOWN: START completed, STAY -",
        "2 CANCELLED in look, ended 21, UNKNOWN: REENTER viewed, STAY -",
    ]


@pytest.mark.parametrize("key", [None, "A"])
@pytest.mark.parametrize("name", ["Product Viewed", "Order Completed"])
def test_a_key_is_used_once_however_long_ago(key: str | None, name: str) -> None:
    by = keyed(reentry="NEVER")

    assert len(told_from_anywhere(on(0, name, key), on(300, "Product Viewed", key), by=by, now=300)) == 1
    assert len(told_from_anywhere(on(0, name, key), on(300, "Product Viewed", "B"), by=by, now=300)) == 2


def test_an_open_run_adopts_no_key_of_the_past_if_keys_are_used_once() -> None:
    events = on(0, "Product Viewed", "A"), on(30, "Product Viewed"), on(31, "Product Viewed", "A")

    assert [words.partition(" ")[0] for words in told_from_anywhere(*events, by=keyed(), now=31)] == ["1(A)", "2(A)"]
    assert [words.partition(" ")[0] for words in told_from_anywhere(*events, by=keyed(reentry="NEVER"), now=31)] == [
        "1(A)",
        "2",
    ]


def test_a_cancellation_of_what_has_ended_is_no_other_runs_business() -> None:
    events = on(0, "Product Viewed", "A"), on(30, "Product Viewed"), on(31, "Order Cancelled", "A")

    assert told_from_anywhere(*events, by=keyed(), now=31) == [
        "1(A) ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2 ACTIVE in look, due 37: REENTER viewed",
    ]


# States that mean the same


def test_histories_meet_again_once_some_run_has_started() -> None:
    schedule = schedule_of(journey(reentry="AFTER_END"))
    events = [on(20, "Product Viewed"), on(40, "Product Viewed")]
    early, late = events, [on(0, "Product Viewed"), *events]

    states = [(whole(schedule, early[: cut - 1]).state(), whole(schedule, late[:cut]).state()) for cut in (1, 2, 3)]

    assert [alike(*pair) for pair in states] == [False, True, True]  # the first run starts, later ones re-enter
    assert [state.started for state in states[2]] == [2, 3]
    assert states[2][0] != states[2][1]


@pytest.mark.parametrize("ending", [{}, {"goal": None}], ids=["completed", "abandoned"])
def test_closed_runs_that_nothing_can_end_are_all_the_same(ending: dict[str, Any]) -> None:
    schedule, last = schedule_of(journey(**ending)), on(100, "Newsletter Opened")
    orders = [on(20, "Order Completed"), on(40, "Order Completed")]

    one, other = whole(schedule, [*orders[:1], last]).state(), whole(schedule, [*orders, last]).state()

    assert alike(one, other)
    assert (one.keyless, one.spent, one.resting) == (0, True, 0)


def test_of_a_closed_run_that_nothing_can_end_only_its_key_matters() -> None:
    schedule, last = schedule_of(keyed(cancelledWhen=None)), on(100, "Newsletter Opened")

    def behind(*events: Happened) -> HistoryState:
        return whole(schedule, [*events, last]).state()

    assert alike(behind(on(0, "Order Completed", "A")), behind(on(20, "Product Viewed", "A")))
    assert alike(behind(on(0, "Order Completed")), behind(on(20, "Product Viewed")))
    assert not alike(behind(on(0, "Order Completed", "A")), behind(on(0, "Order Completed", "B")))
    assert not alike(behind(on(0, "Order Completed")), behind())


@pytest.mark.parametrize("then", [journey, keyed])
def test_a_later_version_that_lets_nobody_in_twice_knows_of_runs_that_had_not_mattered(
    then: Callable[..., dict[str, Any]],
) -> None:
    by = then(cancelledWhen=None)
    later = then(reentry="NEVER", version=2, effectiveFrom="1970-01-31T00:00:00Z")
    events = [on(0, "Order Completed", "A"), on(10, "Order Completed"), on(50, "Product Viewed", "A")]

    lines = told_from_anywhere(*events, on(51, "Product Viewed"), by=by, then=later, now=60)

    assert len(lines) == 2
    assert len(told_from_anywhere(*events[1:2], events[2], by=by, then=later, now=60)) == (1 if then is journey else 2)


def test_a_later_version_that_returns_does_so_to_its_own_runs_alone() -> None:
    later = journey(**RETURNS, version=2, effectiveFrom="1970-01-31T00:00:00Z")
    old, new, back = on(0, "Order Completed"), on(40, "Order Completed"), on(60, "Order Returned")

    without, with_it = (
        told_from_anywhere(*events, back, by=journey(), then=later, now=70) for events in ([old], [old, new])
    )

    assert len(without) == 1
    assert "RETURNED" not in without[0]
    assert with_it[0] == without[0]
    assert "RETURNED" in with_it[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], [on(0, "Product Viewed")]),  # a run has started, and ended without a key
        ([on(0, "Product Viewed", "A")], [on(0, "Product Viewed", "B")]),  # another key has been used
        ([on(0, "Product Viewed", "A")], [on(0, "Product Viewed")]),
        ([on(0, "Order Completed", "A")], [on(0, "Product Viewed", "A")]),  # it may still be returned
        ([on(0, "Order Completed")], [on(1, "Order Completed")]),  # another one
    ],
)
def test_differences_that_later_events_may_tell(one: list[Happened], other: list[Happened]) -> None:
    last = on(100, "Newsletter Opened")

    states = [whole(schedule_of(keyed()), [*events, last]).state() for events in (one, other)]

    assert not alike(*states)
    assert states[0].open == states[1].open == ()
