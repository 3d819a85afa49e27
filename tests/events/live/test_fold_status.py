"""Steps and status: the direction of a step, and the one change of status that an event may make."""

from __future__ import annotations

import pytest

from tests.events.live.story import journey, keyed, named, on, phase, told

PAUSABLE = {"pausedWhen": named("Paused"), "resumedWhen": named("Resumed")}


@pytest.mark.parametrize(
    ("names", "directions"),
    [
        (["Product Viewed", "Product Viewed"], "START viewed, STAY viewed"),
        (["Product Viewed", "Checkout Started"], "START viewed, FORWARD started"),
        (["Checkout Started", "Product Reviewed"], "START started, FORWARD reviewed"),  # only `use` between
        (["Product Viewed", "Manual Opened"], "START viewed, SKIP opened"),
        (["Product Viewed", "Product Reviewed"], "START viewed, SKIP reviewed"),
        (["Product Reviewed", "Product Viewed"], "START reviewed, BACK viewed"),
        (["Checkout Started", "Product Viewed", "Manual Opened"], "START started, BACK viewed, SKIP opened"),
    ],
)
def test_directions(names: list[str], directions: str) -> None:
    (instance,) = told(*(on(day, name) for day, name in enumerate(names)), now=2)

    assert instance.partition(": ")[2] == directions


def test_phases_are_mandatory_unless_the_map_says_otherwise() -> None:
    phases = [phase("look", "Product Viewed"), phase("buy"), phase("use", "Manual Opened")]
    del phases[1]["mandatory"]

    assert told(on(0, "Product Viewed"), on(1, "Manual Opened"), by=journey(phases=phases), now=1) == [
        "1 ACTIVE in use, due 8: START viewed, SKIP opened"
    ]


def test_the_goal_completes_at_its_event() -> None:
    assert told(on(0, "Product Viewed"), on(1, "Order Completed"), now=1) == [
        "1 COMPLETED in buy, ended 1, due 8: START viewed, FORWARD completed"
    ]


def test_the_goal_may_be_off_the_map() -> None:
    by = journey(goal=named("Contract Signed"))

    assert told(on(0, "Product Viewed"), on(1, "Contract Signed"), on(2, "Product Viewed"), by=by, now=2) == [
        # The goal's phase is the phase it was in.
        "1 COMPLETED in look, ended 1, due 9: START viewed, STAY -, STAY viewed"
    ]


def test_pause_and_resume_by_rule() -> None:
    events = [on(0, "Checkout Started"), on(1, "Paused"), on(2, "Resumed")]

    assert told(*events[:2], by=journey(**PAUSABLE), now=1) == ["1 PAUSED in buy, due 91: START started, STAY -"]
    assert told(*events, by=journey(**PAUSABLE), now=2) == ["1 ACTIVE in buy, due 9: START started, STAY -, STAY -"]


def test_a_touchpoint_resumes_and_an_off_map_step_does_not() -> None:
    by = journey(scope=named("Noted"), **PAUSABLE)
    events = [on(0, "Checkout Started"), on(1, "Paused"), on(2, "Noted"), on(3, "Product Viewed")]

    assert told(*events[:3], by=by, now=2) == ["1 PAUSED in buy, due 92: START started, STAY -, STAY -"]
    assert told(*events, by=by, now=3) == ["1 ACTIVE in look, due 10: START started, STAY -, STAY -, BACK viewed"]


def test_a_touchpoint_that_pauses_does_not_resume() -> None:
    by = journey(pausedWhen=named("Product Viewed"))

    assert told(on(0, "Checkout Started"), on(1, "Product Viewed"), on(2, "Product Viewed"), by=by, now=2) == [
        "1 PAUSED in look, due 92: START started, BACK viewed, STAY viewed"
    ]


def test_what_pauses_and_resumes_alike_does_both_in_turn() -> None:
    by = journey(pausedWhen=named("Toggled"), resumedWhen=named("Toggled"))
    events = on(0, "Checkout Started"), on(1, "Toggled"), on(2, "Toggled")

    assert told(*events[:2], by=by, now=1) == ["1 PAUSED in buy, due 91: START started, STAY -"]
    assert told(*events, by=by, now=2) == ["1 ACTIVE in buy, due 9: START started, STAY -, STAY -"]


def test_the_first_step_may_pause_or_complete() -> None:
    assert told(on(0, "Product Viewed"), by=journey(pausedWhen=named("Product Viewed")), now=0) == [
        "1 PAUSED in look, due 90: START viewed"
    ]
    both = journey(pausedWhen=named("Order Completed"))
    assert told(on(0, "Order Completed"), by=both, now=0) == ["1 COMPLETED in buy, ended 0, due 7: START completed"]


def test_a_paused_instance_may_complete() -> None:
    assert told(
        on(0, "Checkout Started"), on(1, "Paused"), on(2, "Order Completed"), by=journey(**PAUSABLE), now=2
    ) == ["1 COMPLETED in buy, ended 2, due 9: START started, STAY -, STAY completed"]


def test_a_completed_instance_cannot_pause() -> None:
    assert told(on(0, "Order Completed"), on(1, "Paused"), by=journey(**PAUSABLE), now=1) == [
        "1 COMPLETED in buy, ended 0, due 8: START completed, STAY -"
    ]


@pytest.mark.parametrize("before", [["Checkout Started"], ["Checkout Started", "Paused"], ["Order Completed"]])
def test_cancelling_ends_what_is_active_paused_or_completed(before: list[str]) -> None:
    events = [on(day, name, "A") for day, name in enumerate([*before, "Order Cancelled", "Product Viewed"])]

    (cancelled, fresh) = told(*events, by=keyed(**PAUSABLE), now=len(before))

    assert cancelled.startswith(f"1(A) CANCELLED in buy, ended {len(before)}, ")
    assert fresh == f"2(A) ACTIVE in look, due {len(before) + 8}: REENTER viewed"


def test_cancelling_goes_before_completing() -> None:
    by = journey(cancelledWhen="properties.void == true")

    assert told(on(0, "Checkout Started"), on(1, "Order Completed", void=True), by=by, now=1) == [
        "1 CANCELLED in buy, ended 1, UNKNOWN: START started, STAY completed"
    ]


def test_a_return_is_an_ordinary_step_until_the_goal() -> None:
    by = journey(returnedWhen=named("Order Returned"))

    assert told(on(0, "Checkout Started"), on(1, "Order Returned"), by=by, now=1) == [
        "1 ACTIVE in buy, due 8: START started, STAY -"
    ]
    assert told(on(0, "Order Completed"), on(1, "Order Returned"), by=by, now=1) == [
        "1 RETURNED in buy, ended 1, UNKNOWN: START completed, STAY -"
    ]


def test_an_event_makes_at_most_one_change() -> None:
    # It completes the active instance, and does not return it in the same breath.
    by = journey(returnedWhen=named("Order Completed"))

    assert told(on(0, "Checkout Started"), on(1, "Order Completed"), by=by, now=1) == [
        "1 COMPLETED in buy, ended 1, due 8: START started, STAY completed"
    ]


def test_ended_instances_take_nothing_more() -> None:
    by = journey(cancelledWhen=named("Order Cancelled"), scope=named("Noted"))
    events = on(0, "Checkout Started"), on(1, "Order Cancelled"), on(2, "Noted"), on(3, "Order Cancelled")

    assert told(*events, by=by, now=3) == ["1 CANCELLED in buy, ended 1, UNKNOWN: START started, STAY -"]
