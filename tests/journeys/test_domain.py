"""What a valid model is and what publishing means, without any service around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.chassis.errors import Invalid
from services.journeys import domain
from services.journeys.domain import ALWAYS, Model, Phase, Publication, Published, Touchpoint

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
        hypotheses=("h", "h"),
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


LAST = Published(version=3, published_at=1_000, instance_key="properties.order")


@pytest.mark.parametrize(
    ("key", "last", "requested", "expected"),
    [
        (None, None, None, Publication(1, 2_000, ALWAYS, False)),
        (None, None, 500, Publication(1, 2_000, ALWAYS, False)),
        ("properties.order", LAST, None, Publication(4, 2_000, 2_000, False)),
        ("properties.order", LAST, 2_000, Publication(4, 2_000, 2_000, False)),
        ("properties.order", LAST, 500, Publication(4, 2_000, 500, False)),
        ("properties.order", LAST, ALWAYS, Publication(4, 2_000, ALWAYS, False)),
        ("properties.claim", LAST, None, Publication(4, 2_000, 2_000, True)),
        (None, LAST, 500, Publication(4, 2_000, 500, True)),
        ("properties.claim", LAST, ALWAYS, Publication(4, 2_000, ALWAYS, False)),
    ],
)
def test_from_when_a_version_is_in_force(
    key: str | None, last: Published | None, requested: int | None, expected: Publication
) -> None:
    assert domain.publication(key, last, requested, now=2_000) == expected


@pytest.mark.parametrize("last", [None, LAST])
def test_no_version_takes_effect_in_the_future(last: Published | None) -> None:
    with pytest.raises(Invalid) as refused:
        domain.publication(None, last, 2_001, now=2_000)
    assert refused.value.code == "EFFECTIVE_FROM_IN_FUTURE"


def test_a_clock_that_stepped_back_never_makes_a_version_older_than_the_one_before() -> None:
    assert domain.publication("properties.order", LAST, None, now=900) == Publication(4, 1_000, 1_000, False)


@given(st.lists(st.sampled_from([ALWAYS, *range(6)]), min_size=1, max_size=6))
def test_a_version_is_in_force_exactly_between_its_two_moments(effective_from: list[int]) -> None:
    intervals = []
    for number, start in enumerate(effective_from):
        until = domain.effective_until(start, min(effective_from[number + 1 :], default=None))
        intervals.append((start, until))
    for moment in [ALWAYS, *range(7)]:
        published_last = [number for number, start in enumerate(effective_from) if start <= moment][-1:]
        inside = [
            n for n, (start, until) in enumerate(intervals) if start <= moment and (until is None or moment < until)
        ]
        assert inside == published_last
