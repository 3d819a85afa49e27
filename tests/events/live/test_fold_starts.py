"""Starts and re-entry: which event begins a run, and what a history makes of the others."""

from __future__ import annotations

import pytest

from tests.events.live.story import journey, keyed, left, named, on, told


def test_starts_when_chooses_among_touchpoints() -> None:
    by = journey(startsWhen=named("Product Viewed"))
    events = on(0, "Checkout Started"), on(1, "Product Viewed"), on(2, "Checkout Started")

    assert told(*events, by=by, now=2) == ["1 ACTIVE in buy, due 9: START viewed, FORWARD started"]
    assert left(*events, by=by, now=2) == [("Checkout Started", "NOT_A_START")]


@pytest.mark.parametrize("field", ["cancelledWhen", "returnedWhen"])
def test_a_touchpoint_that_cancels_or_returns_starts_nothing(field: str) -> None:
    by = journey(**{field: named("Product Viewed")})

    assert told(on(0, "Product Viewed"), by=by, now=0) == []
    assert left(on(0, "Product Viewed"), by=by, now=0) == [("Product Viewed", "NOTHING_TO_END")]


def test_runs_count_over_all_keys_in_history_order() -> None:
    events = on(2, "Checkout Started", "C"), on(0, "Checkout Started", "A"), on(1, "Checkout Started", "B")

    assert [line.partition(" ")[0] for line in told(*events, by=keyed(), now=2)] == ["1(A)", "2(B)", "3(C)"]


def test_after_end_waits_for_whatever_is_active_or_paused() -> None:
    by = keyed(reentry="AFTER_END", pausedWhen=named("Checkout Paused"))
    active = on(0, "Checkout Started", "A"), on(1, "Checkout Started", "B")
    paused = on(0, "Checkout Started", "A"), on(1, "Checkout Paused", "A"), on(30, "Checkout Started", "B")

    assert left(*active, by=by, now=1) == [("Checkout Started", "REENTRY")]
    assert left(*paused, by=by, now=30) == [("Checkout Started", "REENTRY")]


def test_after_end_does_not_wait_for_aftercare() -> None:
    by = keyed(reentry="AFTER_END")

    assert told(on(0, "Order Completed", "A"), on(1, "Checkout Started", "B"), by=by, now=1) == [
        "1(A) COMPLETED in buy, ended 0, due 7: START completed",
        "2(B) ACTIVE in buy, due 8: REENTER started",
    ]


def test_never_means_once_for_each_key() -> None:
    by = keyed(reentry="NEVER")
    events = on(0, "Product Viewed", "A"), on(8, "Product Viewed", "A"), on(9, "Product Viewed", "B")

    assert told(*events, by=by, now=9) == [
        "1(A) ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2(B) ACTIVE in look, due 16: REENTER viewed",
    ]
    assert left(*events, by=by, now=9) == [("Product Viewed", "REENTRY")]


def test_never_counts_no_key_as_one_key() -> None:
    by = keyed(reentry="NEVER")

    assert left(on(0, "Product Viewed"), on(8, "Product Viewed"), by=by, now=8) == [("Product Viewed", "REENTRY")]


def test_never_frees_the_keyless_run_once_it_has_adopted_a_key() -> None:
    by = keyed(reentry="NEVER")
    events = on(0, "Product Viewed"), on(1, "Order Completed", "A"), on(2, "Product Viewed")

    assert told(*events, by=by, now=2) == [
        "1(A) COMPLETED in buy, ended 1, due 8: START viewed, FORWARD completed",
        "2 ACTIVE in look, due 9: REENTER viewed",
    ]


def test_never_lets_no_instance_adopt_the_key_of_an_earlier_run() -> None:
    events = on(0, "Product Viewed", "A"), on(8, "Product Viewed"), on(9, "Product Viewed", "A")

    assert told(*events, by=keyed(reentry="NEVER"), now=9) == [
        "1(A) ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2 ACTIVE in look, due 15: REENTER viewed",
    ]
    assert left(*events, by=keyed(reentry="NEVER"), now=9) == [("Product Viewed", "REENTRY")]


def test_an_event_with_the_key_of_an_open_instance_never_starts() -> None:
    by = keyed(goal=named("Product Reviewed"))
    events = on(0, "Product Reviewed", "A"), on(1, "Product Viewed", "A"), on(2, "Product Viewed", "B")

    assert told(*events, by=by, now=2) == [
        "1(A) COMPLETED in love, ended 0, due 7: START reviewed",
        "2(B) ACTIVE in look, due 9: REENTER viewed",
    ]
    assert left(*events, by=by, now=2) == [("Product Viewed", "KEY_TAKEN")]
