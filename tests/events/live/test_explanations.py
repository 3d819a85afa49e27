"""Why instances stand as they do, told in full: one story for each status, and for what else there is to tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from services.events.explanation import Explanation
from tests.support.explaining import Explained, explained
from tests.support.histories import DAY, EPOCH, plain_event

Json = dict[str, Any]


def named(*names: str) -> str:
    return " || ".join(f'name == "{name}"' for name in names)


def touchpoint(name: str) -> Json:
    return {"key": name.lower(), "name": f"The {name}", "channel": "any", "recognisedBy": named(name)}


def shop(**fields: Any) -> Json:
    return {
        "key": "j",
        "name": "Shop",
        "version": 1,
        "effectiveFrom": None,
        "phases": [
            {"key": "look", "name": "Look", "touchpoints": [touchpoint("View")]},
            {"key": "buy", "name": "Buy", "patience": "P3D", "touchpoints": [touchpoint("Pay"), touchpoint("Order")]},
            {"key": "use", "name": "Use", "touchpoints": [touchpoint("Manual")]},
        ],
        "goal": named("Order"),
        "patience": "P14D",
    } | fields


def on(day: float, name: str, order: str | None = None, **properties: Any) -> Json:
    """The event of that name on that day; its message id says both."""
    known = properties if order is None else properties | {"order": order}
    return plain_event(f"{name} {day}", name, EPOCH + round(day * DAY), properties=known)


def told(*events: Json, now: float, versions: list[Json] | None = None, **fields: Any) -> list[Explained]:
    return explained(versions or [shop(**fields)], list(events), EPOCH + round(now * DAY))


def lines(one: Explained) -> list[tuple[str, list[str], str | None]]:
    assert {explanation.version for explanation in one.explanations} == {1}
    return [(explanation.text, list(explanation.events), explanation.rule) for explanation in one.explanations]


VIEWED = '"View" on 2026-01-01 00:00:00 UTC'
BEGUN = (f'It began with {VIEWED}, recognised by touchpoint "The View" of phase "Look".', ["View 0"], named("View"))


def placed(phase: str, name: str, day: int) -> tuple[str, list[str], str | None]:
    event = f'"{name}" on 2026-01-{day + 1:02} 00:00:00 UTC'
    text = f'It is in phase "{phase}", because its latest event at a touchpoint was {event}, recognised by touchpoint'
    return f'{text} "The {name}" of phase "{phase}".', [f"{name} {day}"], named(name)


def test_an_active_one_waits_for_its_goal_until_silence_ends_it() -> None:
    [one] = told(on(0, "View"), now=3)
    assert lines(one) == [
        BEGUN,
        placed("Look", "View", 0),
        ("It is ACTIVE: none of its events has met the goal yet.", [], named("Order")),
        (
            "Unless it takes another event, it is ABANDONED on 2026-01-15 00:00:00 UTC, 14 days after its last event, "
            f"{VIEWED}: the patience of the journey.",
            ["View 0"],
            None,
        ),
    ]


def test_an_abandoned_one_took_no_event_for_as_long_as_its_phase_waits() -> None:
    [one] = told(on(0, "View"), on(2, "Pay"), now=5)
    assert lines(one) == [
        BEGUN,
        placed("Buy", "Pay", 2),
        (
            "It is ABANDONED since 2026-01-06 00:00:00 UTC, because it took no event for 3 days after its last event, "
            '"Pay" on 2026-01-03 00:00:00 UTC: the patience of phase "Buy".',
            ["Pay 2"],
            None,
        ),
        ("The reason is UNKNOWN, because its journey has no drop-off rules.", [], None),
    ]


def test_a_completed_one_met_the_goal_and_stays_open_for_a_while() -> None:
    history = on(0, "View"), on(1, "Order"), on(2, "Manual")
    [one] = told(*history, now=3)
    met = ('It is COMPLETED, because "Order" on 2026-01-02 00:00:00 UTC met the goal.', ["Order 1"], named("Order"))
    assert lines(one) == [
        BEGUN,
        placed("Use", "Manual", 2),
        met,
        (
            "It stays open for what follows the goal until silence closes it on 2026-01-17 00:00:00 UTC, 14 days after "
            'its last event, "Manual" on 2026-01-03 00:00:00 UTC: the patience of the journey.',
            ["Manual 2"],
            None,
        ),
    ]
    [later] = told(*history, now=30)
    assert lines(later) == [BEGUN, placed("Use", "Manual", 2), met]


def test_a_paused_one_waits_to_go_on_as_well_as_for_its_goal() -> None:
    [one] = told(on(0, "View"), on(1, "Wait"), now=2, pausedWhen=named("Wait"), pausePatience="P30DT12H")
    assert lines(one)[2:] == [
        (
            'What came later, up to "Wait" on 2026-01-02 00:00:00 UTC, is off the map and leaves the phase as it is.',
            ["Wait 1"],
            None,
        ),
        ('It is PAUSED, because "Wait" on 2026-01-02 00:00:00 UTC met pausedWhen.', ["Wait 1"], named("Wait")),
        ("It goes on with an event at a touchpoint that does not meet pausedWhen.", [], None),
        ("None of its events has met the goal yet.", [], named("Order")),
        (
            "Unless it takes another event, it is ABANDONED on 2026-02-01 12:00:00 UTC, 30 days and 12 hours after its "
            'last event, "Wait" on 2026-01-02 00:00:00 UTC: the patience of a pause.',
            ["Wait 1"],
            None,
        ),
    ]


def test_a_pause_that_silence_ended_is_told_with_what_began_it() -> None:
    rules = {"pausedWhen": named("Wait", "View"), "pausePatience": "P2D", "scope": named("Help")}
    [one] = told(on(0, "View"), on(1, "Help"), now=9, **rules)
    assert lines(one)[3:] == [
        (f"It was PAUSED, because {VIEWED} met pausedWhen.", ["View 0"], rules["pausedWhen"]),
        (
            "It is ABANDONED since 2026-01-04 00:00:00 UTC, because it took no event for 2 days after its last event, "
            '"Help" on 2026-01-02 00:00:00 UTC: the patience of a pause.',
            ["Help 1"],
            None,
        ),
        (
            f"The reason is PAUSED, because its journey has no drop-off rules, and {VIEWED} paused it.",
            ["View 0"],
            rules["pausedWhen"],
        ),
    ]


def test_one_that_goes_on_says_by_what() -> None:
    rules = {"pausedWhen": named("Wait"), "resumedWhen": named("Back"), "scope": named("Wait")}
    [by_rule] = told(on(0, "View"), on(1, "Wait"), on(2, "Back"), on(3, "View"), now=4, **rules)
    text = 'It was paused, and goes on since "Back" on 2026-01-03 00:00:00 UTC, which met resumedWhen.'
    assert lines(by_rule)[2] == (text, ["Back 2"], named("Back"))
    [by_touchpoint] = told(on(0, "View"), on(1, "Wait"), on(2, "Pay"), on(3, "Pay"), now=4, **rules)
    text = 'It was paused, and goes on since "Pay" on 2026-01-03 00:00:00 UTC, which is at a touchpoint.'
    assert lines(by_touchpoint)[2] == (text, ["Pay 2"], named("Pay"))
    [waiting] = told(on(0, "View"), on(1, "Wait"), now=2, **rules)
    text = "It goes on with an event that meets resumedWhen, or one at a touchpoint that does not meet pausedWhen."
    assert lines(waiting)[4] == (text, [], named("Back"))


def test_a_cancelled_one_met_its_rule_even_if_the_goal_matched_as_well() -> None:
    rules = {"dropOffReasons": [{"reason": "OTHER", "when": named("Help")}]}
    [one] = told(on(0, "View"), on(1, "Cancel"), now=2, cancelledWhen=named("Cancel"), **rules)
    cancel = '"Cancel" on 2026-01-02 00:00:00 UTC'
    assert lines(one)[3:] == [
        (f"It is CANCELLED, because {cancel} met cancelledWhen.", ["Cancel 1"], named("Cancel")),
        ("The reason is UNKNOWN, because no drop-off rule matches any of its events.", [], None),
    ]
    [both] = told(on(0, "View"), on(1, "Order"), now=2, cancelledWhen="has(properties.no)")
    assert "It is COMPLETED" in both.texts[2]
    [both] = told(on(0, "View"), on(1, "Order", no=True), now=2, cancelledWhen="has(properties.no)")
    order = '"Order" on 2026-01-02 00:00:00 UTC'
    text = f"It is CANCELLED, because {order} met cancelledWhen. That comes before the goal, which it met as well."
    assert lines(both)[2] == (text, ["Order 1"], "has(properties.no)")


def test_a_returned_one_had_met_its_goal() -> None:
    [one] = told(on(0, "View"), on(1, "Order"), on(2, "Return"), now=3, returnedWhen=named("Return"))
    text = 'It is RETURNED, because "Return" on 2026-01-03 00:00:00 UTC met returnedWhen. The goal had been met before.'
    assert lines(one)[3] == (text, ["Return 2"], named("Return"))


def test_of_several_rules_with_one_reason_the_one_that_matched_is_told() -> None:
    rules = [
        {"reason": "EXTRA_COST", "when": "properties.cost > 10"},
        {"reason": "EXTRA_COST", "when": named("Costs")},
    ]
    history = on(0, "View"), on(1, "Costs", cost=1), on(2, "Pay")
    [one] = told(*history, now=9, dropOffReasons=rules, scope=named("Costs"))
    text = (
        'The reason is EXTRA_COST, because "Costs" on 2026-01-02 00:00:00 UTC is its latest event that a drop-off rule'
    )
    assert lines(one)[-1] == (f"{text} matches.", ["Costs 1"], named("Costs"))


def test_a_start_that_has_to_meet_a_rule_says_that_it_did() -> None:
    [one] = told(on(0, "View"), now=1, startsWhen=named("View"))
    text = "Only an event that meets startsWhen begins a run, and this one does."
    assert lines(one)[1] == (text, ["View 0"], named("View"))


def test_a_key_is_told_with_the_event_that_names_it() -> None:
    by_order = {"instanceKey": "properties.order"}
    [named_so] = told(on(0, "View", "W-1"), now=1, **by_order)
    assert lines(named_so)[1] == (f'It is about "W-1": properties.order of {VIEWED} says so.', ["View 0"], None)
    [adopted] = told(on(0, "View"), on(1, "Pay", "W-1"), on(2, "Pay"), on(3, "Order", "W-1"), now=3, **by_order)
    order = '"Order" on 2026-01-04 00:00:00 UTC'
    text = f'It is about "W-1", which it began without: properties.order of {order} says so.'
    assert lines(adopted)[1] == (text, ["Order 3"], None)
    [long_ago] = told(on(0, "View"), on(1, "Pay", "W-1"), on(2, "Pay"), now=2, **by_order)
    text = 'It is about "W-1", which it began without: properties.order of a later event said so.'
    assert lines(long_ago)[1] == (text, [], None)


def why_apart(*events: Json, run: int = 2, **more: Any) -> tuple[str, list[str]]:
    """Why the last run is one of its own, and the events that show it."""
    one = told(*events, now=30, **more)[-1]
    assert one.run == run
    found = one.about("It is a run of its own, because ")
    return found.text.removeprefix("It is a run of its own, because ").removesuffix("."), list(found.events)


def test_a_later_run_says_why_the_one_before_did_not_take_its_event() -> None:
    ended = "run 1 had ended: it was"
    assert why_apart(on(0, "View"), on(14, "View")) == (f"{ended} ABANDONED on 2026-01-15 00:00:00 UTC", ["View 0"])
    cancelled = on(0, "View"), on(1, "Cancel"), on(2, "View")
    text = f"{ended} CANCELLED on 2026-01-02 00:00:00 UTC"
    assert why_apart(*cancelled, cancelledWhen=named("Cancel")) == (text, ["Cancel 1"])
    text = "run 1 was COMPLETED, and closed by silence on 2026-01-04 00:00:00 UTC"
    assert why_apart(on(0, "Order"), on(5, "Manual")) == (text, ["Order 0"])
    text = "run 1 was COMPLETED, and takes neither the goal again nor a phase before it"
    assert why_apart(on(0, "Order"), on(1, "Order")) == (text, ["Order 0"])
    assert why_apart(on(0, "Order"), on(1, "View")) == (text, ["Order 0"])


def test_a_later_run_may_be_about_another_key() -> None:
    by_order = {"instanceKey": "properties.order"}
    text = 'run 1 is about "A", and that first event about "B"'
    assert why_apart(on(0, "Pay", "A"), on(1, "Pay", "B"), **by_order) == (text, ["Pay 0"])
    assert why_apart(on(0, "Order", "A"), on(1, "View", "B"), **by_order) == (text, ["Order 0"])
    # Adopted between the two that are looked at; and only after the second run had begun.
    between = on(0, "View"), on(0.5, "Pay", "A"), on(0.6, "View"), on(1, "Pay", "B")
    assert why_apart(*between, **by_order) == (text, ["View 0.6"])
    after = on(0, "Order"), on(1, "View", "B"), on(2, "Cancel", "A")
    text = "run 1 does not take that first event"
    assert why_apart(*after, cancelledWhen=named("Cancel"), **by_order) == (text, [])


def test_a_later_run_may_be_of_a_version_that_recognises_more() -> None:
    phases = [{"key": "ask", "name": "Ask", "touchpoints": [touchpoint("Question")]}]
    later = shop(version=2, phases=phases, effectiveFrom="2026-01-01T12:00:00Z")
    one = told(on(0, "View"), on(1, "Question"), now=2, versions=[shop(), later])[-1]
    text = "by version 1, which run 1 belongs to, that first event is not part of the journey"
    assert one.about("a run of its own").text == f"It is a run of its own, because {text}."
    assert {explanation.version for explanation in one.explanations} == {2}


def test_no_more_is_said_than_is_known_of_a_version_that_allows_a_key_only_once() -> None:
    once = shop(instanceKey="properties.order", reentry="NEVER", cancelledWhen=named("Cancel"))
    always = shop(instanceKey="properties.order", version=2, effectiveFrom="2026-01-02T12:00:00Z")
    history = on(0, "View", "A"), on(0.5, "Cancel", "A"), on(1, "Order"), on(2, "Manual", "A")
    text = "run 2 does not take that first event"
    assert why_apart(*history, run=3, versions=[once, always]) == (text, [])


def test_the_reference_shows_what_is_told() -> None:
    look, buy = (shop()["phases"][number] for number in range(2))
    viewed = {"key": "viewed", "name": "Product page", "recognisedBy": named("Product Viewed")}
    paying = {"key": "checkout", "name": "Checkout", "recognisedBy": named("Checkout Started")}
    rules = {
        "phases": [look | {"touchpoints": [viewed]}, buy | {"touchpoints": [paying]}],
        "goal": named("Order Completed"),
        "scope": named("Payment Failed"),
        "instanceKey": "properties.order",
        "dropOffReasons": [{"reason": "PAYMENT_OPTIONS", "when": named("Payment Failed")}],
    }
    nine, minute = 9 / 24, 1 / 24 / 60
    history = (
        on(nine, "Product Viewed"),
        on(1 + nine + 30 * minute, "Checkout Started", "W-1001"),
        on(1 + nine + 45 * minute, "Payment Failed"),
    )
    [active] = told(*history, now=2.5, **rules)
    [abandoned] = told(*history, now=5.5, **rules)
    page = (Path(__file__).parents[3] / "docs/reference/explanations.md").read_text(encoding="utf-8")
    first, last = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert first == _as_shown(active.explanations)
    assert last == _as_shown(abandoned.explanations[4:])
    assert abandoned.explanations[:4] == active.explanations[:4]


def _as_shown(explanations: list[Explanation]) -> str:
    return "".join(f"{one.text}\n" + (f"    {one.rule}\n" if one.rule else "") for one in explanations)


def test_events_with_endless_names_are_told_shortly() -> None:
    [one] = told(
        on(0, "View") | {"name": "V" * 150},
        now=1,
        phases=[
            {"key": "look", "name": "Look", "touchpoints": [touchpoint("View") | {"recognisedBy": 'kind == "track"'}]}
        ],
    )
    assert one.texts[0].startswith(f'It began with "{"V" * 99}…" on 2026-01-01')
