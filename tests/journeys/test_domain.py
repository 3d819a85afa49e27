"""What a valid model is and what publishing means, without any service around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.chassis.errors import Invalid
from infra.chassis.versioned.domain import ALWAYS, Publication
from services.journeys import domain
from services.journeys.domain import Hypothesis, Model, Phase, Touchpoint

ORDER = Model(
    phases=(
        Phase("look", None, (Touchpoint("viewed", 'name == "Viewed"'),)),
        Phase("buy", "P7D", (Touchpoint("ordered", 'name == "Ordered"'),)),
    ),
    rules={"goal": 'name == "Ordered"'},
)


def flaws(model: Model) -> list[tuple[str, tuple[str, ...]]]:
    return [(flaw.code, flaw.path) for flaw in domain.judge(model).flaws]


def warnings(model: Model) -> list[tuple[str, tuple[str, ...]]]:
    return [(flaw.code, flaw.path) for flaw in domain.judge(model).warnings]


def test_a_good_model_has_neither_flaws_nor_warnings() -> None:
    assert domain.judge(ORDER) == domain.Judgement((), ())


def test_every_rule_of_a_model_is_parsed() -> None:
    wrong = "name ="
    fields = ("startsWhen", "goal", "cancelledWhen", "returnedWhen", "pausedWhen", "resumedWhen", "scope")
    model = Model(
        phases=(Phase("look", None, (Touchpoint("viewed", wrong),)),),
        rules=dict.fromkeys(fields, wrong),
        drop_offs=(wrong,),
    )
    assert flaws(model) == [
        *(("RULE_SYNTAX", (field,)) for field in fields),
        ("RULE_SYNTAX", ("phases", "0", "touchpoints", "0", "recognisedBy")),
        ("RULE_SYNTAX", ("dropOffReasons", "0", "when")),
    ]


def test_keys_are_unique_where_they_are_names() -> None:
    twice = (Touchpoint("viewed", 'name == "A"'), Touchpoint("viewed", 'name == "B"'))
    model = replace(
        ORDER,
        phases=(
            Phase("look", None, twice, means=("guide", "guide")),
            Phase("look", None, (Touchpoint("viewed", 'name == "C"'),), means=("guide",)),
        ),
        hypotheses=(Hypothesis("h", "conformance", 1), Hypothesis("h", "conformance", 1)),
    )
    assert flaws(model) == [
        ("DUPLICATE_KEY", ("phases", "1", "key")),
        ("DUPLICATE_KEY", ("phases", "0", "touchpoints", "1", "key")),
        ("DUPLICATE_KEY", ("phases", "1", "touchpoints", "0", "key")),
        ("DUPLICATE_KEY", ("phases", "0", "means", "1", "key")),
        ("DUPLICATE_KEY", ("hypotheses", "1", "key")),
    ]


@pytest.mark.parametrize("patience", ["", "7 days", "P1M", "P1Y", "P0D", "-P1D", "P40000D"])
def test_patience_has_a_positive_fixed_length_of_at_most_a_century(patience: str) -> None:
    of_phase = Phase("buy", patience, (Touchpoint("ordered", 'name == "Ordered"'),))
    assert flaws(replace(ORDER, patience=patience)) == [("INVALID_DURATION", ("patience",))]
    assert flaws(replace(ORDER, pause_patience=patience)) == [("INVALID_DURATION", ("pausePatience",))]
    assert flaws(replace(ORDER, phases=(of_phase,))) == [("INVALID_DURATION", ("phases", "0", "patience"))]


@pytest.mark.parametrize("path", ["order_id", "properties", "properties.", "properties..id", "event.id", ""])
def test_an_instance_key_is_a_path_into_the_event(path: str) -> None:
    assert flaws(replace(ORDER, instance_key=path)) == [("INVALID_INSTANCE_KEY", ("instanceKey",))]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("properties.order_id", []),
        ("context.claim.number", []),
        ("properties.user_story", []),
        ("context.sessionId", ["INSTANCE_KEY_TOO_BROAD"]),
        ("context.session.id", ["INSTANCE_KEY_TOO_BROAD"]),
        ("properties.customer-number", ["INSTANCE_KEY_TOO_BROAD"]),
        ("traits.email", ["INSTANCE_KEY_TOO_BROAD"]),
    ],
)
def test_a_key_that_names_a_session_or_a_customer_is_suspicious(path: str, expected: list[str]) -> None:
    assert [code for code, _ in warnings(replace(ORDER, instance_key=path))] == expected


@pytest.mark.parametrize(
    ("rules", "drop_off", "expected"),
    [
        ({"startsWhen": 'name == "Paid"'}, None, [("RULE_NEVER_MATCHES", ("startsWhen",))]),
        ({"startsWhen": 'name == "Viewed" && properties.new'}, None, []),
        ({"startsWhen": 'channel == "web"'}, None, []),
        ({}, 'name == "Payment Failed"', [("RULE_NEVER_MATCHES", ("dropOffReasons", "0", "when"))]),
        ({"scope": 'name == "Payment Failed"'}, 'name == "Payment Failed"', []),
        ({"scope": 'channel == "shop"'}, 'name == "Payment Failed"', []),
        (
            {"scope": 'name == "Failed"', "startsWhen": 'name == "Failed"'},
            None,
            [("RULE_NEVER_MATCHES", ("startsWhen",))],
        ),
    ],
)
def test_rules_that_can_match_nothing_are_suspicious(
    rules: dict[str, str], drop_off: str | None, expected: list[Any]
) -> None:
    model = replace(ORDER, rules={**ORDER.rules, **rules}, drop_offs=() if drop_off is None else (drop_off,))
    assert warnings(model) == expected


def test_two_touchpoints_with_one_rule_are_suspicious() -> None:
    again = Phase("use", None, (Touchpoint("viewed-again", ' name == "Viewed" '),))
    assert warnings(replace(ORDER, phases=(*ORDER.phases, again))) == [
        ("SAME_RULE", ("phases", "2", "touchpoints", "0", "recognisedBy"))
    ]


def test_the_number_of_rules_is_limited() -> None:
    many = tuple(Touchpoint(f"t{number}", "true") for number in range(domain.MOST_RULES))
    assert flaws(replace(ORDER, phases=(Phase("look", None, many),))) == [("TOO_MANY_RULES", ("phases",))]


def test_publishing_asks_for_a_goal_and_a_touchpoint() -> None:
    domain.require_publishable(ORDER)
    with pytest.raises(Invalid) as refused:
        domain.require_publishable(Model(phases=(Phase("look", "P1M", ()),), rules={}))
    assert refused.value.code == "GOAL_REQUIRED"
    assert [flaw.code for flaw in refused.value.errors] == ["GOAL_REQUIRED", "TOUCHPOINT_REQUIRED", "INVALID_DURATION"]


@pytest.mark.parametrize(
    ("key", "effective_from", "strands"),
    [
        ("properties.order", 2_000, False),
        ("properties.claim", 2_000, True),
        (None, 500, True),
        ("properties.claim", ALWAYS, False),
    ],
)
def test_another_instance_key_strands_open_runs_unless_it_reads_all_history(
    key: str | None, effective_from: int, strands: bool
) -> None:
    coming = Publication(4, 2_000, effective_from)
    assert domain.strands_open_runs(coming, key, former="properties.order") is strands
