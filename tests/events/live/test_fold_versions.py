"""Versions: which one is in force, to which one a run belongs, and how instances of several live side by side."""

from __future__ import annotations

from typing import Any

from services.events.live.domain import Schedule, compile_version
from tests.events.live.story import DAY, folded, journey, named, on, phase, told


def version(number: int, effective_from: int | None, **fields: Any) -> dict[str, Any]:
    """A version in force from the start of that day in January 1970; None: always."""
    moment = None if effective_from is None else f"1970-01-{effective_from + 1:02d}T00:00:00Z"
    return journey(version=number, effectiveFrom=moment, **fields)


def in_force(versions: list[dict[str, Any]], day: float) -> int | None:
    schedule = Schedule("webshop", [compile_version(document) for document in versions])
    found = schedule.in_force(round(day * DAY))
    return None if found is None else found.number


def test_the_version_published_last_is_in_force() -> None:
    versions = [version(1, None), version(2, 9), version(3, 5)]

    assert [in_force(versions, day) for day in (-9, 0, 5 - 1 / DAY, 5, 8, 9, 30)] == [1, 1, 1, 3, 3, 3, 3]


def test_a_later_version_takes_over_at_its_moment() -> None:
    versions = [version(3, 9), version(1, None), version(2, 5)]

    assert [in_force(versions, day) for day in (4, 5, 8, 9)] == [1, 2, 2, 3]


def test_of_versions_from_the_same_moment_the_last_counts() -> None:
    assert in_force([version(2, 5), version(3, 5), version(1, None)], 5) == 3


def test_before_every_version_nothing_is_in_force() -> None:
    late = [version(1, 5)]

    assert in_force(late, 4) is None
    assert in_force([], 4) is None
    assert folded(on(4, "Product Viewed"), versions=late, now=4) == ([], [])


def test_a_run_keeps_its_version_to_its_end() -> None:
    versions = [version(1, None), version(2, 3, patience="P30D")]
    events = on(0, "Product Viewed"), on(5, "Checkout Started"), on(12, "Product Viewed")

    assert told(*events, versions=versions, now=12) == [
        "1 ABANDONED in buy, ended 12, UNKNOWN: START viewed, FORWARD started",
        "2 v2 ACTIVE in look, due 42: REENTER viewed",
    ]


def test_a_runs_events_are_recognised_by_its_version() -> None:
    other_map = [phase("view", "Product Viewed"), phase("order", "Basket Filled", "Order Completed")]
    versions = [version(1, None), version(2, 3, phases=other_map)]
    events = on(0, "Product Viewed"), on(4, "Checkout Started"), on(5, "Basket Filled"), on(6, "Product Viewed")

    assert told(*events, versions=versions, now=6) == [
        # Version 1 does not know the basket, version 2 does not know the checkout; both know the product.
        "1 ACTIVE in buy, due 11: START viewed, FORWARD started",
        "2 v2 ACTIVE in view, due 13: REENTER filled, BACK viewed",
    ]


def test_what_only_an_earlier_version_recognises_starts_nothing() -> None:
    versions = [version(1, None, instanceKey="properties.order_id"), version(2, 3, phases=[phase("view", "Seen")])]
    events = on(0, "Product Viewed", "A"), on(4, "Product Viewed", "B")

    history = folded(*events, versions=versions, now=4)

    assert [instance.run for instance in history.instances] == [1]
    assert [(untaken.event.name, untaken.why.value) for untaken in history.untaken] == [
        ("Product Viewed", "UNRECOGNISED")
    ]


def test_what_only_an_ended_version_recognises_is_nobodys_business() -> None:
    versions = [version(1, None), version(2, 3, phases=[phase("view", "Seen")])]

    assert folded(on(0, "Product Viewed"), on(20, "Product Viewed"), versions=versions, now=20).untaken == []


def test_each_instance_reads_the_key_by_its_own_version() -> None:
    # The first map knows no keys: whatever has one is keyless to its runs.
    versions = [version(1, None), version(2, 3, instanceKey="properties.order_id")]
    events = on(0, "Product Viewed", "A"), on(4, "Product Viewed", "A"), on(12, "Product Viewed", "A")

    assert told(*events, on(13, "Checkout Started", "B"), versions=versions, now=13) == [
        "1 ABANDONED in look, ended 11, UNKNOWN: START viewed, STAY viewed",
        "2(A) v2 ACTIVE in look, due 19: REENTER viewed",
        "3(B) v2 ACTIVE in buy, due 20: REENTER started",
    ]


def test_an_open_key_of_an_earlier_version_blocks_a_start_under_the_next() -> None:
    key = {"instanceKey": "properties.order_id"}
    versions = [version(1, None, **key), version(2, 3, phases=[phase("view", "Seen")], **key)]
    events = on(0, "Product Viewed", "A"), on(4, "Seen", "A"), on(5, "Seen", "B")

    history = folded(*events, versions=versions, now=5)

    assert [(instance.run, instance.version, instance.key) for instance in history.instances] == [
        (1, 1, "A"),
        (2, 2, "B"),
    ]
    assert [(untaken.event.name, untaken.why.value) for untaken in history.untaken] == [("Seen", "KEY_TAKEN")]


def test_a_key_names_one_open_instance_even_by_different_paths() -> None:
    versions = [
        version(1, None, instanceKey="properties.order_id"),
        version(2, 3, instanceKey="properties.cart_id", phases=[phase("view", "Seen", "Product Viewed")]),
    ]
    events = (
        on(0, "Checkout Started"),
        on(4, "Seen", cart_id="X"),
        on(5, "Checkout Started"),
        on(6, "Product Viewed", "X"),
    )

    assert told(*events, versions=versions, now=6) == [
        # It moved last, but may not adopt the key; to the other the event has no key.
        "1 ACTIVE in buy, due 12: START started, STAY started",
        "2(X) v2 ACTIVE in view, due 13: REENTER seen, STAY viewed",
    ]


def test_reentry_and_runs_count_over_versions() -> None:
    versions = [version(1, None), version(2, 3, reentry="NEVER")]

    assert told(on(0, "Product Viewed"), on(20, "Product Viewed"), versions=versions, now=20) == [
        "1 ABANDONED in look, ended 7, UNKNOWN: START viewed"
    ]


def test_an_ending_is_one_by_the_instances_own_version() -> None:
    versions = [version(1, None), version(2, 3, cancelledWhen=named("Manual Opened"))]
    early, late = on(0, "Order Completed"), on(4, "Order Completed")

    assert told(early, on(5, "Manual Opened"), versions=versions, now=5) == [
        "1 COMPLETED in use, ended 0, due 12: START completed, FORWARD opened"
    ]
    assert told(late, on(5, "Manual Opened"), versions=versions, now=5) == [
        "1 v2 CANCELLED in use, ended 5, UNKNOWN: START completed, FORWARD opened"
    ]


def test_a_return_of_an_earlier_versions_order_is_no_other_instances_business() -> None:
    key = {"instanceKey": "properties.order_id"}
    versions = [version(1, None, **key), version(2, 3, returnedWhen=named("Order Returned"), **key)]
    events = on(0, "Order Completed", "A"), on(8, "Product Viewed"), on(9, "Order Returned", "A")

    assert told(*events, versions=versions, now=9) == [
        # Version 1 knows no returns; but the key is A's, so the keyless instance may not adopt it.
        "1(A) COMPLETED in buy, ended 0: START completed",
        "2 v2 ACTIVE in look, due 15: REENTER viewed",
    ]


def test_a_version_with_an_earlier_moment_refolds_what_started_since() -> None:
    patient = {"patience": "P30D"}
    events = on(0, "Product Viewed"), on(8, "Product Viewed")

    assert told(*events, versions=[version(1, None), version(2, 8, **patient)], now=10) == [
        "1 ABANDONED in look, ended 7, UNKNOWN: START viewed",
        "2 v2 ACTIVE in look, due 38: REENTER viewed",
    ]
    assert told(*events, versions=[version(1, None), version(2, None, **patient)], now=10) == [
        "1 v2 ACTIVE in look, due 38: START viewed, STAY viewed"
    ]


def test_what_only_a_version_without_runs_recognises_is_not_the_journeys_business() -> None:
    """Who resumes the history later does not know that it was once in force."""
    noted = {"scope": named("Noted")}
    versions = [version(1, None, **noted), version(2, 3, instanceKey="properties.order_id")]
    events = on(1, "Other"), on(4, "Product Viewed", "A"), on(5, "Noted", "A")

    assert folded(*events, versions=versions, now=5).untaken == []
