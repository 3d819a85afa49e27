"""Recognition: which events belong to a journey, at which touchpoint, and what a step takes over from them."""

from __future__ import annotations

import pytest

from services.events.live.domain import Untaken, Why
from tests.events.live.story import folded, heard, journey, keyed, left, named, on, phase, told


def test_an_event_that_no_rule_mentions_is_not_the_journeys_business() -> None:
    history = folded(on(0, "Newsletter Opened"), now=1)

    assert history.instances == []
    assert history.untaken == []


@pytest.mark.parametrize("field", ["cancelledWhen", "returnedWhen", "goal", "pausedWhen", "resumedWhen", "scope"])
def test_an_event_of_a_rule_of_the_journey_belongs_but_starts_nothing(field: str) -> None:
    event = on(0, "Signal")

    history = folded(event, by=journey(**{field: named("Signal")}), now=1)

    ends = field in {"cancelledWhen", "returnedWhen"}
    assert history.instances == []
    assert history.untaken == [Untaken(event, Why.NOTHING_TO_END if ends else Why.NO_TOUCHPOINT)]


@pytest.mark.parametrize("field", ["startsWhen", "dropOffReasons"])
def test_the_start_and_drop_off_rules_make_no_event_belong(field: str) -> None:
    rule = [{"reason": "OTHER", "when": named("Signal")}] if field == "dropOffReasons" else named("Signal")

    assert left(on(0, "Signal"), by=journey(**{field: rule}), now=1) == []


def test_an_off_map_step_keeps_phase_and_touchpoint_and_extends_the_patience() -> None:
    events = on(0, "Product Viewed"), on(5, "Payment Failed")

    assert told(*events, by=journey(scope=named("Payment Failed")), now=8) == [
        "1 ACTIVE in look, due 12: START viewed, STAY -"
    ]


AMBIGUOUS = [
    phase("look", "Seen", "Seen Again"),
    phase("buy", "Bought", "Seen"),
    phase("use", "Used"),
    phase("love", "Seen", "Loved"),
]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("Seen Again", "STAY seen in look"),  # in the current phase
        ("Bought", "STAY seen in buy"),
        ("Used", "FORWARD seen in love"),  # the nearest later before the nearest earlier
        ("Loved", "STAY seen in love"),
    ],
)
def test_of_several_touchpoints_the_current_phase_wins_then_the_nearest_later(before: str, expected: str) -> None:
    history = folded(on(0, before), on(1, "Seen"), by=journey(phases=AMBIGUOUS), now=1)

    step = history.instances[0].steps[1]
    assert f"{step.direction} {step.touchpoint} in {step.phase}" == expected


def test_with_no_later_phase_the_nearest_earlier_wins() -> None:
    phases = [phase("look", "Seen"), phase("buy", "Seen"), phase("use", "Used")]

    assert told(on(0, "Used"), on(1, "Seen"), by=journey(phases=phases), now=1) == [
        "1 ACTIVE in buy, due 8: START used, BACK seen"
    ]


def test_within_a_phase_and_at_the_start_the_map_order_decides() -> None:
    wide = phase("look", "Product Viewed")
    wide["touchpoints"] += [
        {"key": "any", "name": "Any", "recognisedBy": 'kind == "track"'},
        {"key": "late", "name": "Late", "recognisedBy": 'kind == "track"'},
    ]
    phases = [wide, phase("buy", "Order Completed")]

    assert told(on(0, "Order Completed"), on(1, "Product Viewed"), on(2, "X"), by=journey(phases=phases), now=2) == [
        # The first step goes to the earliest phase although a touchpoint of `buy` is named after the event.
        "1 COMPLETED in look, ended 0, due 9: START any, STAY viewed, STAY any"
    ]


def test_a_step_without_a_channel_takes_that_of_its_touchpoint_unless_it_is_any() -> None:
    phases = [phase("look", "Product Viewed"), phase("buy", "Order Completed")]
    phases[0]["touchpoints"][0]["channel"] = "shop"
    events = (
        heard(0, "Product Viewed"),
        heard(1, "Product Viewed", channel="web"),
        heard(2, "Order Completed"),
        heard(3, "Noted"),
        heard(4, "Noted", channel="phone"),
    )

    history = folded(*events, by=journey(phases=phases, scope=named("Noted")), now=4)

    assert [step.channel for step in history.instances[0].steps] == ["shop", "web", None, None, "phone"]


def test_a_channel_is_no_filter() -> None:
    phases = [phase("look", "Product Viewed")]
    phases[0]["touchpoints"][0]["channel"] = "shop"

    assert told(heard(0, "Product Viewed", channel="web"), by=journey(phases=phases), now=0) == [
        "1 ACTIVE in look, due 7: START viewed"
    ]


def test_rules_read_more_than_names() -> None:
    look = phase("look")
    look["touchpoints"].append({"key": "web", "name": "Web", "recognisedBy": 'channel == "web" && kind == "page"'})
    events = (
        heard(0, "Home", kind="page", channel="web"),
        heard(1, "Home", kind="page"),
        heard(2, "Home", channel="web"),
    )

    assert told(*events, by=journey(phases=[look, phase("buy", "Order Completed")]), now=2) == [
        "1 ACTIVE in look, due 7: START web"
    ]


def test_a_rule_that_serves_two_ends_is_both() -> None:
    by = keyed(scope=named("Order Completed"), returnedWhen=named("Order Cancelled"))

    assert told(on(0, "Order Completed", "A"), on(1, "Order Cancelled", "A"), by=by, now=1) == [
        "1(A) CANCELLED in buy, ended 1, UNKNOWN: START completed, STAY -"
    ]
