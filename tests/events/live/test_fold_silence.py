"""Silence: patience, deadlines, the clock; and the drop-off that an ending without the goal carries."""

from __future__ import annotations

import pytest

from tests.events.live.story import DAY, folded, journey, keyed, named, on, phase, told

PAUSED = {"pausedWhen": named("Checkout Paused")}


def test_the_deadline_itself_is_too_late() -> None:
    assert told(on(0, "Product Viewed"), now=7 - 1 / DAY) == ["1 ACTIVE in look, due 7: START viewed"]
    assert told(on(0, "Product Viewed"), now=7) == ["1 ABANDONED in look, ended 7, UNKNOWN: START viewed"]


def test_an_event_at_the_deadline_starts_anew() -> None:
    assert told(on(0, "Product Viewed"), on(7, "Product Viewed"), now=7) == [
        "1 ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2 ACTIVE in look, due 14: REENTER viewed",
    ]


def test_the_clock_is_never_before_the_latest_event_of_the_customer() -> None:
    # The newsletter is not the journey's business, but it shows that day 9 has come.
    assert told(on(0, "Product Viewed"), on(9, "Newsletter Opened"), now=1) == [
        "1 ABANDONED in look, ended 7, UNKNOWN: START viewed"
    ]


def test_a_phase_has_its_own_patience() -> None:
    by = journey(phases=[phase("look", "Product Viewed", patience="PT12H"), phase("buy", "Order Completed")])

    assert told(on(0, "Product Viewed"), by=by, now=0) == ["1 ACTIVE in look, due 0.5: START viewed"]
    assert told(on(0, "Order Completed"), by=by, now=0) == ["1 COMPLETED in buy, ended 0, due 7: START completed"]


def test_unsaid_patience_is_thirty_days_and_ninety_while_paused() -> None:
    by = journey(patience=None, **PAUSED)

    assert told(on(0, "Product Viewed"), by=by, now=0) == ["1 ACTIVE in look, due 30: START viewed"]
    assert told(on(0, "Product Viewed"), on(1, "Checkout Paused"), by=by, now=1) == [
        "1 PAUSED in look, due 91: START viewed, STAY -"
    ]


def test_the_next_deadline_may_be_earlier_than_the_last() -> None:
    by = journey(
        phases=[phase("look", "Product Viewed", patience="P30D"), phase("buy", "Checkout Started", "Order Completed")]
    )

    assert told(on(0, "Product Viewed"), on(1, "Checkout Started"), on(8, "Product Viewed"), by=by, now=8) == [
        "1 ABANDONED in buy, ended 8, UNKNOWN: START viewed, FORWARD started",
        "2 ACTIVE in look, due 38: REENTER viewed",
    ]


def test_a_completed_instance_closes_without_changing() -> None:
    events = on(0, "Order Completed"), on(3, "Manual Opened")

    assert told(*events, now=9) == ["1 COMPLETED in use, ended 0, due 10: START completed, FORWARD opened"]
    assert told(*events, now=10) == ["1 COMPLETED in use, ended 0: START completed, FORWARD opened"]


def test_after_aftercare_a_late_step_starts_anew() -> None:
    assert told(on(0, "Order Completed"), on(7, "Manual Opened"), now=7) == [
        "1 COMPLETED in buy, ended 0: START completed",
        "2 ACTIVE in use, due 14: REENTER opened",
    ]


def test_a_paused_instance_waits_longer_and_says_why_it_ended() -> None:
    by = journey(pausePatience="P10D", **PAUSED)
    events = on(0, "Checkout Started"), on(1, "Checkout Paused"), on(2, "Checkout Paused")

    assert told(*events, by=by, now=11) == ["1 PAUSED in buy, due 12: START started, STAY -, STAY -"]
    # The evidence is the event that paused it, not the one that found it paused.
    assert told(*events, by=by, now=12) == [
        "1 ABANDONED in buy, ended 12, PAUSED by Checkout Paused on 1: START started, STAY -, STAY -"
    ]


def test_a_pause_that_is_over_is_no_reason() -> None:
    events = on(0, "Checkout Started"), on(1, "Checkout Paused"), on(2, "Checkout Started")

    assert told(*events, by=journey(**PAUSED), now=9) == [
        "1 ABANDONED in buy, ended 9, UNKNOWN: START started, STAY -, STAY started"
    ]


REASONS = {
    "scope": named("Payment Failed"),
    "dropOffReasons": [
        {"reason": "EXTRA_COST", "when": 'has(properties.cost) && name in ["Checkout Started", "Payment Failed"]'},
        {"reason": "PAYMENT_OPTIONS", "when": named("Payment Failed")},
        {"reason": "OTHER", "when": 'has(properties.cost) && name == "Payment Failed"'},
    ],
}


def test_the_latest_event_that_any_drop_off_rule_matches_gives_the_reason() -> None:
    events = on(0, "Checkout Started", cost=5), on(1, "Payment Failed"), on(2, "Product Viewed")

    assert told(*events, by=journey(**REASONS), now=9) == [
        "1 ABANDONED in look, ended 9, PAYMENT_OPTIONS by Payment Failed on 1: START started, STAY -, BACK viewed"
    ]


def test_of_the_rules_that_match_that_event_the_first_in_the_list_counts() -> None:
    events = on(0, "Checkout Started"), on(1, "Payment Failed", cost=5)

    assert told(*events, by=journey(**REASONS), now=8) == [
        "1 ABANDONED in buy, ended 8, EXTRA_COST by Payment Failed on 1: START started, STAY -"
    ]


def test_drop_off_rules_see_only_events_of_the_instance() -> None:
    by = keyed(**REASONS)
    events = on(0, "Checkout Started", "A"), on(1, "Checkout Started", "B"), on(2, "Payment Failed", "B")

    assert told(*events, by=by, now=9) == [
        "1(A) ABANDONED in buy, ended 7, UNKNOWN: START started",
        "2(B) ABANDONED in buy, ended 9, PAYMENT_OPTIONS by Payment Failed on 2: REENTER started, STAY -",
    ]


def test_a_drop_off_rule_goes_before_a_pause() -> None:
    reasons = [{"reason": "NEW_CIRCUMSTANCES", "when": named("Checkout Started")}]
    by = journey(dropOffReasons=reasons, **PAUSED)

    assert told(on(0, "Checkout Started"), on(1, "Checkout Paused"), by=by, now=91) == [
        "1 ABANDONED in buy, ended 91, NEW_CIRCUMSTANCES by Checkout Started on 0: START started, STAY -"
    ]


@pytest.mark.parametrize(("field", "status"), [("cancelledWhen", "CANCELLED"), ("returnedWhen", "RETURNED")])
def test_the_event_that_ends_an_instance_is_evidence_too(field: str, status: str) -> None:
    reasons = [{"reason": "DELIVERY_TIME", "when": "properties.late == true"}]
    by = journey(**{field: named("Undone"), "dropOffReasons": reasons})

    assert told(on(0, "Order Completed"), on(1, "Undone", late=True), by=by, now=1) == [
        f"1 {status} in buy, ended 1, DELIVERY_TIME by Undone on 1: START completed, STAY -"
    ]


def test_cancelling_a_paused_instance_gives_the_pause_as_reason() -> None:
    by = keyed(**PAUSED)
    events = on(0, "Checkout Started", "A"), on(1, "Checkout Paused", "A"), on(2, "Order Cancelled", "A")

    assert told(*events, by=by, now=2) == [
        "1(A) CANCELLED in buy, ended 2, PAUSED by Checkout Paused on 1: START started, STAY -, STAY -"
    ]


def test_cancelling_after_the_goal_is_no_pause() -> None:
    by = keyed(**PAUSED)
    events = (
        on(0, "Checkout Started", "A"),
        on(1, "Checkout Paused", "A"),
        on(2, "Order Completed", "A"),
        on(3, "Order Cancelled", "A"),
    )

    assert told(*events, by=by, now=3) == [
        "1(A) CANCELLED in buy, ended 3, UNKNOWN: START started, STAY -, STAY completed, STAY -"
    ]


def test_the_drop_off_names_phase_and_moment() -> None:
    instance = folded(on(0, "Product Viewed"), on(1, "Manual Opened"), now=8).instances[0]

    assert instance.drop_off is not None
    assert (instance.drop_off.phase, instance.drop_off.at) == ("use", 8 * DAY)
    assert instance.ended_at == 8 * DAY
    assert instance.last_event_at == 1 * DAY
    assert instance.started_at == 0
