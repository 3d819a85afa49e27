"""Which instance: aftercare, keys and their adoption, and how far cancellations and returns reach."""

from __future__ import annotations

import pytest

from tests.events.live.story import journey, keyed, left, named, on, phase, told

RETURNS = {"returnedWhen": named("Order Returned")}


# Aftercare


def test_aftercare_takes_off_map_steps_and_the_goals_phase_onwards() -> None:
    by = journey(scope=named("Noted"))
    names = ["Order Completed", "Product Reviewed", "Noted", "Checkout Started", "Manual Opened"]

    assert told(*(on(day, name) for day, name in enumerate(names)), by=by, now=4) == [
        "1 COMPLETED in use, ended 0, due 11: START completed, FORWARD reviewed, STAY -, BACK started, FORWARD opened"
    ]


def test_aftercare_leaves_an_earlier_phase_and_a_second_goal() -> None:
    by = keyed(scope=named("Noted"), goal='name == "Order Completed" || properties.again == true')
    events = on(0, "Order Completed", "A"), on(1, "Product Viewed", "A"), on(2, "Noted", "A", again=True)

    assert told(*events, by=by, now=2) == ["1(A) COMPLETED in buy, ended 0, due 7: START completed"]
    assert left(*events, by=by, now=2) == [("Product Viewed", "KEY_TAKEN"), ("Noted", "KEY_TAKEN")]


def test_aftercare_takes_a_cancellation_even_in_an_earlier_phase() -> None:
    by = journey(cancelledWhen="properties.void == true")

    assert told(on(0, "Order Completed"), on(1, "Product Viewed", void=True), by=by, now=1) == [
        "1 CANCELLED in look, ended 1, UNKNOWN: START completed, BACK viewed"
    ]


def test_aftercare_takes_a_return_that_is_a_goal_again() -> None:
    by = journey(returnedWhen="properties.back == true")

    assert told(on(0, "Order Completed"), on(1, "Order Completed", back=True), by=by, now=1) == [
        "1 RETURNED in buy, ended 1, UNKNOWN: START completed, STAY completed"
    ]


def test_the_goals_phase_is_where_the_goal_was_reached() -> None:
    by = journey(goal="properties.done == true")
    events = on(0, "Manual Opened", done=True), on(1, "Checkout Started")

    assert told(*events, by=by, now=1) == [
        "1 COMPLETED in use, ended 0, due 7: START opened",
        "2 ACTIVE in buy, due 8: REENTER started",
    ]


# 1. An event with a key


def test_a_key_names_its_open_instance_whatever_came_last() -> None:
    events = on(0, "Checkout Started", "A"), on(1, "Checkout Started", "B"), on(2, "Product Viewed", "A")

    assert told(*events, by=keyed(), now=2) == [
        "1(A) ACTIVE in look, due 9: START started, BACK viewed",
        "2(B) ACTIVE in buy, due 8: REENTER started",
    ]


def test_an_event_with_a_new_key_adopts_the_keyless_instance_that_moved_last() -> None:
    events = (
        on(0, "Order Completed"),
        on(1, "Product Viewed"),
        on(2, "Manual Opened"),
        on(3, "Manual Opened", "A"),
    )

    assert told(*events, by=keyed(), now=3) == [
        # Day 2 is within both; the active one moved last.
        "1 COMPLETED in buy, ended 0, due 7: START completed",
        "2(A) ACTIVE in use, due 10: REENTER viewed, SKIP opened, STAY opened",
    ]


def test_an_instance_in_aftercare_may_adopt() -> None:
    events = on(0, "Order Completed"), on(1, "Manual Opened", "A"), on(2, "Order Completed", "A")

    assert told(*events, by=keyed(), now=2) == [
        "1(A) COMPLETED in use, ended 0, due 8: START completed, FORWARD opened"
    ]
    assert left(*events, by=keyed(), now=2) == [("Order Completed", "KEY_TAKEN")]


def test_an_instance_with_a_key_adopts_no_other() -> None:
    assert told(on(0, "Checkout Started", "A"), on(1, "Order Completed", "B"), by=keyed(), now=1) == [
        "1(A) ACTIVE in buy, due 7: START started",
        "2(B) COMPLETED in buy, ended 1, due 8: REENTER completed",
    ]


def test_a_key_is_free_again_once_its_instance_has_closed() -> None:
    events = on(0, "Product Viewed", "A"), on(7, "Product Viewed"), on(8, "Product Viewed", "A")

    assert told(*events, by=keyed(), now=8) == [
        "1(A) ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2(A) ACTIVE in look, due 15: REENTER viewed, STAY viewed",
    ]


def test_an_off_map_event_with_a_strange_key_goes_nowhere() -> None:
    by = keyed(scope=named("Noted"))
    events = on(0, "Checkout Started", "A"), on(1, "Noted", "B")

    assert left(*events, by=by, now=1) == [("Noted", "NO_TOUCHPOINT")]


# 2. An event without a key


def test_an_event_without_a_key_goes_to_the_instance_that_moved_last() -> None:
    events = (
        on(0, "Checkout Started", "A"),
        on(1, "Checkout Started", "B"),
        on(2, "Checkout Started", "A"),
        on(3, "Product Viewed"),
    )

    assert told(*events, by=keyed(), now=3) == [
        "1(A) ACTIVE in look, due 10: START started, STAY started, BACK viewed",
        "2(B) ACTIVE in buy, due 8: REENTER started",
    ]


def test_of_instances_that_moved_at_the_same_moment_the_later_run_takes_it() -> None:
    events = (
        on(0, "Checkout Started", "A"),
        on(1, "Checkout Started", "B"),
        on(1, "Checkout Started", "A"),
        on(2, "Manual Opened"),
    )

    assert told(*events, by=keyed(), now=2) == [
        "1(A) ACTIVE in buy, due 8: START started, STAY started",
        "2(B) ACTIVE in use, due 9: REENTER started, FORWARD opened",
    ]


def test_an_instance_that_does_not_take_it_is_passed_over() -> None:
    events = on(0, "Checkout Started", "A"), on(1, "Order Completed", "B"), on(2, "Product Viewed")

    assert told(*events, by=keyed(), now=2) == [
        "1(A) ACTIVE in look, due 9: START started, BACK viewed",
        "2(B) COMPLETED in buy, ended 1, due 8: REENTER completed",
    ]


# 3. Cancellations and returns with a key


def test_a_cancellation_reaches_a_completed_instance_long_closed() -> None:
    events = on(0, "Order Completed", "A"), on(100, "Order Cancelled", "A")

    assert told(*events, by=keyed(), now=100) == ["1(A) CANCELLED in buy, ended 100, UNKNOWN: START completed, STAY -"]


def test_a_cancellation_prefers_the_open_instance_and_a_return_the_completed_one() -> None:
    by = keyed(**RETURNS)
    before = on(0, "Order Completed", "A"), on(10, "Checkout Started", "A")

    assert told(*before, on(11, "Order Cancelled", "A"), by=by, now=11) == [
        "1(A) COMPLETED in buy, ended 0: START completed",
        "2(A) CANCELLED in buy, ended 11, UNKNOWN: REENTER started, STAY -",
    ]
    assert told(*before, on(11, "Order Returned", "A"), by=by, now=11) == [
        "1(A) RETURNED in buy, ended 11, UNKNOWN: START completed, STAY -",
        "2(A) ACTIVE in buy, due 17: REENTER started",
    ]


def test_a_return_goes_to_the_open_instance_if_none_is_completed() -> None:
    assert told(on(0, "Checkout Started", "A"), on(1, "Order Returned", "A"), by=keyed(**RETURNS), now=1) == [
        "1(A) ACTIVE in buy, due 8: START started, STAY -"
    ]


@pytest.mark.parametrize(("name", "status"), [("Order Cancelled", "CANCELLED"), ("Order Returned", "RETURNED")])
def test_the_latest_of_several_completed_ones_is_ended(name: str, status: str) -> None:
    events = on(0, "Order Completed", "A"), on(10, "Order Completed", "A"), on(30, name, "A")

    assert told(*events, by=keyed(**RETURNS), now=30) == [
        "1(A) COMPLETED in buy, ended 0: START completed",
        f"2(A) {status} in buy, ended 30, UNKNOWN: REENTER completed, STAY -",
    ]


def test_an_event_that_cancels_and_returns_counts_as_a_cancellation() -> None:
    by = keyed(returnedWhen=named("Order Cancelled"))
    events = on(0, "Order Completed", "A"), on(10, "Checkout Started", "A"), on(11, "Order Cancelled", "A")

    assert told(*events, by=by, now=11)[1] == "2(A) CANCELLED in buy, ended 11, UNKNOWN: REENTER started, STAY -"


@pytest.mark.parametrize("name", ["Order Cancelled", "Order Returned"])
def test_when_all_with_its_key_have_ended_an_ending_is_not_taken(name: str) -> None:
    by = keyed(**RETURNS)
    events = on(0, "Checkout Started", "A"), on(8, "Product Viewed"), on(9, name, "A")

    assert told(*events, by=by, now=9) == [
        "1(A) ABANDONED in buy, ended 7, UNKNOWN: START started",
        "2 ACTIVE in look, due 15: REENTER viewed",
    ]
    assert left(*events, by=by, now=9) == [(name, "KEY_ENDED")]


def test_an_ending_with_an_unknown_key_takes_a_keyless_instance_and_adopts() -> None:
    by = keyed(**RETURNS)

    assert told(on(0, "Checkout Started"), on(1, "Order Cancelled", "A"), by=by, now=1) == [
        "1(A) CANCELLED in buy, ended 1, UNKNOWN: START started, STAY -"
    ]
    # The completed one before the one that moved last, and long after its aftercare.
    assert told(on(0, "Order Completed"), on(20, "Product Viewed"), on(21, "Order Returned", "A"), by=by, now=21) == [
        "1(A) RETURNED in buy, ended 21, UNKNOWN: START completed, STAY -",
        "2 ACTIVE in look, due 27: REENTER viewed",
    ]
    assert told(on(0, "Order Completed"), on(20, "Order Cancelled", "A"), by=by, now=20) == [
        "1(A) CANCELLED in buy, ended 20, UNKNOWN: START completed, STAY -"
    ]


def test_an_ending_with_an_unknown_key_leaves_instances_with_another_key_alone() -> None:
    events = on(0, "Order Completed", "A"), on(1, "Order Cancelled", "B")

    assert told(*events, by=keyed(), now=1) == ["1(A) COMPLETED in buy, ended 0, due 7: START completed"]
    assert left(*events, by=keyed(), now=1) == [("Order Cancelled", "NOTHING_TO_END")]


# 3. Cancellations and returns without a key


def test_a_keyless_return_goes_to_the_completed_instance_that_moved_last() -> None:
    by = keyed(**RETURNS)
    events = (
        on(0, "Order Completed", "A"),
        on(1, "Order Completed", "B"),
        on(2, "Manual Opened", "A"),
        on(3, "Checkout Started", "C"),
        on(40, "Order Returned"),
    )

    assert told(*events, by=by, now=40) == [
        "1(A) RETURNED in use, ended 40, UNKNOWN: START completed, FORWARD opened, STAY -",
        "2(B) COMPLETED in buy, ended 1: REENTER completed",
        "3(C) ABANDONED in buy, ended 10, UNKNOWN: REENTER started",
    ]


def test_a_keyless_return_without_anything_completed_is_an_ordinary_step() -> None:
    assert told(on(0, "Checkout Started", "A"), on(1, "Order Returned"), by=keyed(**RETURNS), now=1) == [
        "1(A) ACTIVE in buy, due 8: START started, STAY -"
    ]


def test_a_keyless_cancellation_prefers_what_is_open() -> None:
    before = on(0, "Order Completed", "A"), on(10, "Checkout Started", "B")

    assert told(*before, on(11, "Order Cancelled"), by=keyed(), now=11) == [
        "1(A) COMPLETED in buy, ended 0: START completed",
        "2(B) CANCELLED in buy, ended 11, UNKNOWN: REENTER started, STAY -",
    ]
    assert told(*before, on(30, "Order Cancelled"), by=keyed(), now=30) == [
        "1(A) CANCELLED in buy, ended 30, UNKNOWN: START completed, STAY -",
        "2(B) ABANDONED in buy, ended 17, UNKNOWN: REENTER started",
    ]


def test_each_return_ends_one_more_completed_instance() -> None:
    by = journey(**RETURNS)
    events = on(0, "Order Completed"), on(1, "Order Completed"), on(2, "Order Returned"), on(3, "Order Returned")

    assert told(*events, on(4, "Order Returned"), by=by, now=4) == [
        "1 RETURNED in buy, ended 3, UNKNOWN: START completed, STAY -",
        "2 RETURNED in buy, ended 2, UNKNOWN: REENTER completed, STAY -",
    ]
    assert left(*events, on(4, "Order Returned"), by=by, now=4) == [("Order Returned", "NOTHING_TO_END")]


def test_closing_does_not_change_which_completed_instance_moved_last() -> None:
    # Run 1 moved last but closes first, because its phase has little patience.
    phases = [phase("buy", "Order Completed"), phase("use", "Manual Opened", patience="P1D")]
    by = keyed(phases=phases, **RETURNS)
    events = (
        on(0, "Order Completed", "A"),
        on(1, "Order Completed", "B"),
        on(2, "Manual Opened", "A"),
        on(20, "Order Returned"),
    )

    assert [line.partition(" in ")[0] for line in told(*events, by=by, now=20)] == ["1(A) RETURNED", "2(B) COMPLETED"]
