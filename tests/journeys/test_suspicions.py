"""What authors are warned about: touchpoints that compete or are never seen, goals out of reach, idle measures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.chassis.errors import Flaw, Invalid
from services.journeys import domain
from services.journeys.domain import Hypothesis, Model, Phase, Touchpoint


def a_map(*phases: list[str], **rules: str) -> Model:
    """Phases p0, p1, ... with touchpoints a, b, c, ... over all, recognised by these rules."""
    letters = iter("abcdefghij")
    return Model(
        phases=tuple(
            Phase(f"p{number}", None, tuple(Touchpoint(next(letters), rule) for rule in recognised))
            for number, recognised in enumerate(phases)
        ),
        rules=rules,
    )


def warned(model: Model) -> list[tuple[str, str]]:
    judgement = domain.judge(model)
    assert judgement.flaws == ()
    return [(warning.code, ".".join(warning.path)) for warning in judgement.warnings]


def recognised(phase: int, place: int = 0) -> str:
    return f"phases.{phase}.touchpoints.{place}.recognisedBy"


def test_two_touchpoints_that_recognise_the_same_event_are_shown_one() -> None:
    model = a_map(['name == "Order Completed"'], ['channel == "shop" && properties.total > 100'])
    assert domain.judge(model).warnings == (
        Flaw(
            "OVERLAPPING_RULES",
            "The touchpoint 'a' recognises some of the same events, such as "
            '{"name":"Order Completed","channel":"shop","properties":{"total":101}}; where the customer is decides '
            "between them.",
            ("phases", "1", "touchpoints", "0", "recognisedBy"),
        ),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('name == "A"', 'name == "B"'),
        ('name == "A" && channel == "shop"', 'name == "A" && !(channel == "shop")'),
        ('name == "A" && properties.step <= 2', 'name == "A" && properties.step > 2'),
        ('kind == "page" && context.campaign.medium in ["cpc"]', 'kind == "page" && context.campaign.medium == "mail"'),
        ('name.startsWith("A")', 'name in ["B", "C"]'),
    ],
)
def test_rules_that_have_no_event_in_common_are_left_in_peace(one: str, other: str) -> None:
    assert warned(a_map([one], [other])) == []


@pytest.mark.parametrize("rule", ['name == "A"', "size(properties.items) > 40", 'name.matches("^[A-Z].*[0-9]$")'])
def test_the_same_rule_twice_is_told_whatever_it_says(rule: str) -> None:
    assert warned(a_map([rule], ['name == "B" && kind == "page"'], [f" {rule} "])) == [("SAME_RULE", recognised(2))]
    assert warned(a_map([rule, rule])) == [("TOUCHPOINT_UNREACHABLE", recognised(0, 1))]


def test_of_many_overlaps_each_touchpoint_shows_its_first() -> None:
    model = a_map(['name == "A"'], ['name in ["A", "B"]', 'name == "C"'], ['name in ["A", "B", "C"]'])
    assert warned(model) == [("OVERLAPPING_RULES", recognised(1)), ("OVERLAPPING_RULES", recognised(2))]
    chain = a_map(['name == "A"'], ['name in ["A", "B"]'], ['name in ["B", "C"]'])
    assert warned(chain) == [("OVERLAPPING_RULES", recognised(1)), ("OVERLAPPING_RULES", recognised(2))]


@pytest.mark.parametrize(
    "rule", ['name == "A" && name == "B"', "false", 'kind == "trakc"', "properties.n > 2 && properties.n < 1"]
)
def test_a_touchpoint_whose_rule_contradicts_itself_is_never_recognised(rule: str) -> None:
    assert warned(a_map(['name == "A"', rule])) == [("TOUCHPOINT_UNREACHABLE", recognised(0, 1))]


@pytest.mark.parametrize(
    ("phases", "hidden"),
    [
        # before it in the same phase
        ([['name in ["A", "B"]', 'name == "A"']], [recognised(0, 1)]),
        # after it in the same phase, it is chosen itself
        ([['name == "A"', 'name in ["A", "B"]']], []),
        # alone in a later phase, which nobody ever comes to
        ([['name in ["A", "B"]'], ['name == "A"']], [recognised(1)]),
        # the earliest phase comes first at the start, whatever the place in it
        ([['name == "C"', 'name in ["A", "B"]'], ['name == "A"']], [recognised(1)]),
        # in a phase that others lead to, where it is chosen before one of another phase
        ([['name in ["A", "B"]'], ['name == "A"', 'name == "C"']], []),
        # from the phase behind it, the earlier one is further away
        ([['name in ["A", "B"]'], ['name == "A"'], ['name == "C"']], []),
        # behind a phase that others lead to: the nearest later phase is chosen
        ([['name == "C"'], ['name == "A"'], ['name in ["A", "B"]']], []),
    ],
)
def test_a_touchpoint_that_another_always_precedes_is_never_recognised(
    phases: list[list[str]], hidden: list[str]
) -> None:
    assert [path for code, path in warned(a_map(*phases)) if code == "TOUCHPOINT_UNREACHABLE"] == hidden


def test_where_no_run_starts_that_alone_is_told() -> None:
    model = a_map(['name in ["A", "B"]', 'name == "A"'], startsWhen='name == "C"')
    assert [warning for warning in warned(model) if warning[0] != "OVERLAPPING_RULES"] == [
        ("RULE_NEVER_MATCHES", "startsWhen")
    ]


def test_a_phase_without_touchpoints_is_suspicious() -> None:
    assert warned(a_map(['name == "A"'], [])) == [("PHASE_WITHOUT_TOUCHPOINTS", "phases.1.touchpoints")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"goal": 'name == "A" && properties.paid'}, []),
        ({"goal": 'channel == "shop"'}, []),
        ({"goal": 'name == "Paid"'}, [("GOAL_OFF_MAP", "goal")]),
        ({"goal": 'name == "Paid"', "scope": 'name == "Paid"'}, []),
        ({"goal": 'name == "A" && name == "B"'}, [("GOAL_UNREACHABLE", "goal")]),
        ({"goal": 'name == "A"', "cancelledWhen": 'name in ["A", "B"]'}, [("GOAL_UNREACHABLE", "goal")]),
        ({"goal": 'name == "A"', "cancelledWhen": 'name == "A" && properties.void'}, []),
        ({"pausedWhen": "properties.x == 1 && properties.x == 2"}, [("RULE_NEVER_MATCHES", "pausedWhen")]),
        (
            {"startsWhen": 'kind == "page"', "cancelledWhen": 'name == "A" && kind == "page"'},
            [("RULE_NEVER_MATCHES", "startsWhen")],
        ),
    ],
)
def test_rules_of_the_journey_that_can_never_matter(rules: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert warned(a_map(['name == "A"'], **rules)) == expected


def test_a_journey_whose_goal_nobody_can_reach_is_not_published() -> None:
    with pytest.raises(Invalid) as refused:
        domain.require_publishable(a_map(['name == "A"'], goal='name == "A" && name == "B"'))
    assert [(flaw.code, flaw.path) for flaw in refused.value.errors] == [("GOAL_UNREACHABLE", ("goal",))]


@pytest.mark.parametrize(
    ("measure", "claim", "expected"),
    [
        ("rate of reaching a", 0.5, []),
        ("rate of reaching b from p0 within P7D", 1, []),
        ("rate  of reaching b from a within PT2H", 0, []),
        ("share with reason EXTRA_COST", 0.3, []),
        ("mean emotion at b", -1.5, []),
        ("mean emotion at b >= 0.5", 0.8, []),
        ("conformance", 0.9, []),
        ("conformance ≥ 0.8", 0.9, []),
        ("goal rate", 0.5, [("MEASURE_UNKNOWN", "hypotheses.0.measure")]),
        ("share with reason WEATHER", 0.5, [("MEASURE_UNKNOWN", "hypotheses.0.measure")]),
        ("rate of reaching a within P1M", 0.5, [("MEASURE_UNKNOWN", "hypotheses.0.measure")]),
        ("rate of reaching z from y", 0.5, [("MEASURE_UNKNOWN_KEY", "hypotheses.0.measure")] * 2),
        ("mean emotion at z", 0.5, [("MEASURE_UNKNOWN_KEY", "hypotheses.0.measure")]),
        ("rate of reaching a", 40, [("CLAIM_OUT_OF_RANGE", "hypotheses.0.claim")]),
        ("mean emotion at a >= 1", -1, [("CLAIM_OUT_OF_RANGE", "hypotheses.0.claim")]),
        ("mean emotion at a", 2.5, [("CLAIM_OUT_OF_RANGE", "hypotheses.0.claim")]),
    ],
)
def test_a_measure_says_what_can_be_computed(measure: str, claim: float, expected: list[tuple[str, str]]) -> None:
    model = replace(a_map(['name == "A"'], ['name == "B"']), hypotheses=(Hypothesis("h", measure, claim),))
    assert warned(model) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "true",
        "properties.n > {n} && properties.n < {n} + 1000",
        "properties.a == {n} || properties.b == {n} || properties.c == {n}",
    ],
)
def test_the_largest_journeys_are_looked_at_in_part_and_always_alike(rule: str) -> None:
    touchpoints = [Touchpoint(f"t{n}", rule.format(n=n)) for n in range(domain.MOST_RULES)]
    model = Model(tuple(Phase(f"p{n}", None, tuple(touchpoints[n * 100 : n * 100 + 100])) for n in range(4)), {})
    first = domain.judge(model)
    assert first.flaws == () and 0 < len(first.warnings) < domain.MOST_RULES
    assert domain.judge(model) == first
