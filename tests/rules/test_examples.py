"""Events that rules have in common, and the proof that they have none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.rules import parse_rule
from infra.rules.examples import IMPOSSIBLE, UNKNOWN, Answer, Inquiry
from tests.rules.builders import Event


def asked(matching: Sequence[str], avoiding: Sequence[str] = ()) -> Answer:
    return Inquiry().find_example([parse_rule(text) for text in matching], [parse_rule(text) for text in avoiding])


@pytest.mark.parametrize(
    ("matching", "avoiding", "example"),
    [
        (["true"], [], {"name": "Something Done"}),
        (['name == "A"'], [], {"name": "A"}),
        (['name == "A"', 'channel == "web"'], [], {"name": "A", "channel": "web"}),
        (['name in ["A", "B"]', 'name in ["B", "C"]'], [], {"name": "B"}),
        (['name == "A"'], ['channel == "shop"'], {"name": "A"}),
        (["has(properties.a)"], ['properties.a == "x"'], {"name": "Something Done", "properties": {"a": "something"}}),
        (["properties.a > 1", "properties.a < 2"], [], {"name": "Something Done", "properties": {"a": 1.5}}),
        (["properties.a > 100"], ["properties.a > 200"], {"name": "Something Done", "properties": {"a": 200}}),
        (["properties.a == 1", "properties.a % 2 == 1"], [], {"name": "Something Done", "properties": {"a": 1}}),
        (["properties.a.b == 1", "has(properties.a)"], [], {"name": "Something Done", "properties": {"a": {"b": 1}}}),
        (
            ['context.page.path.startsWith("/shop")', 'context.page.path.endsWith(".html")'],
            [],
            {"name": "Something Done", "context": {"page": {"path": "/shop.html"}}},
        ),
        (
            ['kind == "page"', 'context.page.referrer.contains("google.")'],
            [],
            {"kind": "page", "name": "Something Done", "context": {"page": {"referrer": "google."}}},
        ),
        (
            ["properties.shipping >= properties.value * 0.1"],
            [],
            {"name": "Something Done", "properties": {"shipping": 0.1, "value": 0.1}},
        ),
        (
            ['properties.products.exists(p, p.category == "Games" && p.price > 10)'],
            [],
            None,
        ),
        (
            ['properties.products.exists(p, p.category == "Games")', 'name == "Order Completed"'],
            [],
            {"name": "Order Completed", "properties": {"products": [{"category": "Games"}]}},
        ),
        (['"x" in properties.tags'], [], {"name": "Something Done", "properties": {"tags": ["x"]}}),
        (['channel == "web" ? name == "A" : name == "B"'], ['channel == "web"'], {"name": "B"}),
    ],
)
def test_an_example_holds_what_it_needs(
    matching: list[str], avoiding: list[str], example: dict[str, Any] | None
) -> None:
    found = asked(matching, avoiding).example
    assert (None if found is None else found.as_json()) == example


@pytest.mark.parametrize(
    ("matching", "avoiding"),
    [
        (["false"], []),
        (["1 == 2"], []),
        (['name == "A" && name == "B"'], []),
        (['name == "A"', 'name == "B"'], []),
        (['name == "A"'], ['name == "A"']),
        (['name == "A" && properties.x > 3'], ['name in ["A", "B"]']),
        (['name == "A"', 'name.startsWith("B")'], []),
        (['kind == "tracks"'], []),
        (["properties.x > 3 && properties.x <= 3"], []),
        (['properties.x == "a" && properties.x > 3'], []),
        (["properties.x == 1.0 && properties.x != 1"], []),
        (["!has(properties.x) && properties.x == 1"], []),
        (["properties.x && properties.x == 1"], []),
        (['channel == "web"'], ["has(properties.x) || !has(properties.x)"]),
        (["device == 'mobile' ? channel == 'app' : false", "channel != 'app'"], []),
    ],
)
def test_what_contradicts_itself_is_impossible(matching: list[str], avoiding: list[str]) -> None:
    assert asked(matching, avoiding) == IMPOSSIBLE


@pytest.mark.parametrize(
    "matching",
    [
        ['name.matches("^A.*B$")'],
        ["size(properties.x) > 40"],
        ['name.matches("^A.*B$") || (name == "A" && name == "B")'],
        ['properties.a == "x" && properties.a.b == 1'],
        ["properties.a + properties.b == 1234567"],
        ["&&".join(f"(has(properties.a{n}) || has(properties.b{n}))" for n in range(6)) + '&& name.matches("^x$")'],
    ],
)
def test_where_nothing_is_found_nothing_is_said(matching: list[str]) -> None:
    assert asked(matching) == UNKNOWN


def test_an_inquiry_comes_to_an_end() -> None:
    rules = [parse_rule(f'name == "A" && properties.n > {number}') for number in range(20)]
    inquiry = Inquiry(work=1_000)
    answers = [inquiry.find_example([rule]) for rule in rules]
    known = [answer.example is not None for answer in answers]
    assert known == sorted(known, reverse=True) and 0 < sum(known) < 20
    assert answers[-1] == UNKNOWN
    assert inquiry.find_example([parse_rule("false")]) == UNKNOWN


VALUES = st.sampled_from(["1", "2", "2.5", "true", "null", '"a"', '"b"'])
PLACE = st.sampled_from(["properties.x", "properties.y", "properties.x"])
COMPARISONS = st.one_of(
    st.tuples(PLACE, st.sampled_from([" == ", " != "]), VALUES).map("".join),
    st.tuples(PLACE, st.sampled_from([" < ", " <= ", " > ", " >= "]), st.sampled_from(["1", "2.5", '"a"'])).map(
        "".join
    ),
    st.tuples(PLACE, st.lists(VALUES, min_size=1, max_size=3).map(lambda items: f" in [{', '.join(items)}]")).map(
        "".join
    ),
    st.sampled_from(["has(properties.x)", "properties.y", 'name == "A"', 'name != "B"', 'channel == "web"']),
)
RULES = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(lambda rule: f"!({rule})"),
        st.tuples(inner, st.sampled_from([" && ", " || "]), inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} ? {} : {})".format(*parts)),
    ),
    max_leaves=4,
)
ABSENT = object()
WORLD = [0, 1, 1.5, 2, 2.25, 2.5, 3, True, False, None, "", "a", "aa", "b", "c", [], {}, ABSENT]


def every_event() -> list[Event]:
    """One of each kind that rules over these literals can tell apart."""
    return [
        Event(name=name, channel=channel, properties={k: v for k, v in (("x", x), ("y", y)) if v is not ABSENT})
        for name, channel, x, y in product(["A", "B", "C"], [None, "web", "app"], WORLD, WORLD)
    ]


EVERYTHING = every_event()


@settings(deadline=None)
@given(RULES, RULES)
def test_it_finds_an_example_exactly_where_there_is_one(one: str, other: str) -> None:
    for matching, avoiding in (([one], []), ([one, other], []), ([one], [other])):
        yes, no = [parse_rule(text) for text in matching], [parse_rule(text) for text in avoiding]
        there_is_one = any(
            all(rule.matches(event) for rule in yes) and not any(rule.matches(event) for rule in no)
            for event in EVERYTHING
        )
        answer = asked(matching, avoiding)
        assert (answer.example is not None, answer.impossible) == (there_is_one, not there_is_one)
