"""The compiled form against cel-python's own evaluator, and properties of compiled rules, on random rules and events.

The two are compared where both are defined: every field is there, types are like, nothing fails. So rules are built by
type from the fields of one fixed shape of event; a rule that makes the evaluator fail all the same, by dividing by
zero or beyond 64 bits, is skipped there.
"""

import json
import sys
from typing import Any

import celpy
import pytest
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from infra.rules import Rule, RuleError, parse_rule
from tests.rules.builders import Event

INTS = st.integers(-20, 20) | st.sampled_from([2**53 + 1, -(2**62), 2**63 - 1])
DOUBLES = st.integers(-80, 80).map(lambda quarters: quarters / 4)
TEXTS = st.text("ab☀\"'\\\n", max_size=3)
BOOLS = st.booleans()
NAMES = st.sampled_from(["A", "B", "Order Completed"])

MAPS = st.fixed_dictionaries({"k": INTS, "s": TEXTS}) | st.dictionaries(st.sampled_from("kab"), INTS, min_size=1)
PROPERTIES = st.fixed_dictionaries(
    {
        "i": INTS,
        "j": INTS,
        "d": DOUBLES,
        "e": DOUBLES,
        "s": TEXTS,
        "t": TEXTS,
        "b": BOOLS,
        "a b": INTS,
        "ints": st.lists(INTS, max_size=3),
        "texts": st.lists(TEXTS, max_size=3),
        "map": st.fixed_dictionaries({"i": INTS, "s": TEXTS, "deep": st.fixed_dictionaries({"d": DOUBLES})}),
        "rows": st.lists(st.fixed_dictionaries({"i": INTS, "s": TEXTS}), max_size=3),
    }
)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from(["track", "page"]),
    name=NAMES,
    channel=st.sampled_from(["web", "shop"]),
    device=st.just("mobile"),
    properties=PROPERTIES,
    context=st.fixed_dictionaries({"page": st.fixed_dictionaries({"path": TEXTS})}),
    traits=st.fixed_dictionaries({"s": TEXTS}),
)


def join(*parts: Any) -> st.SearchStrategy[str]:
    """Rule texts made of these: strategies draw a part, strings stand for themselves."""
    drawn = (st.just(part) if isinstance(part, str) else part for part in parts)
    return st.tuples(*drawn).map("".join)


INT_ATOMS = INTS.map(str) | st.sampled_from(
    ["properties.i", "properties.j", "properties.map.i", 'properties["a b"]', "size(properties.ints)", "size(name)"]
)
DOUBLE_ATOMS = DOUBLES.map(repr) | st.sampled_from(["properties.d", "properties.e", "properties.map.deep.d"])
TEXT_ATOMS = (
    TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
    | NAMES.map(json.dumps)
    | st.sampled_from(["name", "kind", "channel", "properties.s", "properties.map.s", "traits.s", "context.page.path"])
)
INT_LISTS = st.just("properties.ints") | join("[", INT_ATOMS, ", ", INT_ATOMS, "]")
TEXT_LISTS = st.just("properties.texts") | join("[", TEXT_ATOMS, ", ", TEXT_ATOMS, "]")
TIMES = st.sampled_from(["00:00:00Z", "12:30:00.25Z", "12:30:00+02:00"]).map(lambda t: f'timestamp("2026-01-31T{t}")')
SPANS = st.sampled_from(["0s", "1h30m", "90m", "-5s", "1.5s", "250ms"]).map(lambda d: f'duration("{d}")')
EQUALITY = st.sampled_from([" == ", " != "])
ORDER = st.sampled_from([" == ", " != ", " < ", " <= ", " > ", " >= "])


def grown(atoms: st.SearchStrategy[str], *operators: str) -> st.SearchStrategy[str]:
    operator = st.sampled_from([f" {operator} " for operator in operators])
    return st.recursive(
        atoms,
        lambda inner: join("(", inner, operator, inner, ")") | join("(", CHEAP, " ? ", inner, " : ", inner, ")"),
        max_leaves=4,
    )


CHEAP = st.sampled_from(["properties.b", "!properties.b", 'name == "A"', "properties.i > 3", "true"])
WHOLE = grown(INT_ATOMS, "+", "-", "*", "/", "%") | join("-", st.sampled_from(["properties.i", "properties.j"]))
REAL = grown(DOUBLE_ATOMS, "+", "-", "*")
TEXT = grown(TEXT_ATOMS, "+")
FACTORS = st.sampled_from(["properties.i", "properties.j", "7", "-7", "3", "-3"])
SUBJECTS = st.sampled_from(["name", "properties.s", "properties.map.s", "context.page.path", '"abba"'])
AFFIXES = st.sampled_from(['"a"', '"b"', '"ab"', '"Order"', '""', "properties.t", "name"])
ATOMS = st.one_of(
    CHEAP,
    join(WHOLE, ORDER, WHOLE),
    join(REAL, ORDER, REAL),
    join(TEXT, ORDER, TEXT),
    join(INT_LISTS, EQUALITY, INT_LISTS),
    join("(", TEXT_LISTS, " + ", TEXT_LISTS, ")", EQUALITY, TEXT_LISTS),
    join(TIMES, ORDER, TIMES),
    join("(", TIMES, " - ", TIMES, ")", ORDER, SPANS),
    join("(", TIMES, " + ", SPANS, ")", ORDER, TIMES),
    join("(", SPANS, " + ", SPANS, ")", ORDER, SPANS),
    join(FACTORS, st.sampled_from([" / ", " % "]), FACTORS, ORDER, st.integers(-3, 3).map(str)),
    join(WHOLE, " in ", INT_LISTS),
    join(TEXT_ATOMS, " in ", TEXT_LISTS),
    join(TEXT_ATOMS, " in ", st.sampled_from(["properties", "properties.map"])),
    join(SUBJECTS, st.sampled_from([".contains(", ".startsWith(", ".endsWith("]), AFFIXES, ")"),
    join(TEXT_ATOMS, ".matches(", st.sampled_from(['"^a"', "'b$'", "r'a|☀'", '"^[a-z ]*C"', "r'\\\\'"]), ")"),
    join("has(", st.sampled_from(["properties.i", "properties.map.x", "properties.map.s", "context.page.path"]), ")"),
    join(INT_LISTS, st.sampled_from([".exists", ".all"]), "(x, x", ORDER, WHOLE, ")"),
    join(TEXT_LISTS, st.sampled_from([".exists", ".all"]), "(x, ", TEXT_ATOMS, EQUALITY, "x)"),
    join("properties.rows", st.sampled_from([".exists", ".all"]), "(r, r.i", ORDER, WHOLE, " && r.s", ORDER, "r.s)"),
    join("properties.map", st.sampled_from([".exists", ".all"]), "(k, k", ORDER, TEXT_ATOMS, ")"),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        join("!(", inner, ")"),
        join("(", inner, " && ", inner, ")"),
        join(inner, " || ", inner),
        join("(", inner, " ? ", inner, " : ", inner, ")"),
        join("(", inner, ")", EQUALITY, "(", inner, ")"),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def cel() -> celpy.Environment:
    limit = sys.getrecursionlimit()
    environment = celpy.Environment()
    sys.setrecursionlimit(limit)  # it raises the limit of the whole process
    return environment


def evaluated(cel: celpy.Environment, text: str, event: Event) -> bool | None:
    """What cel-python says; None where it fails."""
    activation = {
        name: json_to_cel(getattr(event, name))
        for name in ("kind", "name", "source", "channel", "device", "properties", "context", "traits")
    }
    try:
        return bool(cel.program(cel.compile(text)).evaluate(activation))
    except CELEvalError:
        return None


def affordable(text: str) -> Rule:
    """The rule, unless the random one is too costly; no other error is expected."""
    try:
        return parse_rule(text)
    except RuleError as error:
        assert error.code == "RULE_TOO_COSTLY"
        reject()


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(CONDITIONS, EVENTS)
def test_compiled_rules_agree_with_the_evaluator(cel: celpy.Environment, text: str, event: Event) -> None:
    expected = evaluated(cel, text, event)
    assume(expected is not None)
    assert affordable(text).matches(event) is expected


ANY_JSON = st.recursive(
    st.none() | BOOLS | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["web", "A"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["i", "s", "x"]), inner, max_size=3),
    max_leaves=6,
)
ANY_EVENT = st.builds(
    Event,
    name=NAMES,
    channel=st.none() | st.just("web"),
    device=st.none(),
    properties=st.dictionaries(st.sampled_from(["i", "j", "d", "s", "b", "ints", "texts", "map", "rows"]), ANY_JSON),
    context=st.dictionaries(st.just("page"), ANY_JSON),
    traits=st.dictionaries(st.just("s"), ANY_JSON),
)


@settings(max_examples=300, deadline=None)
@given(CONDITIONS, st.lists(ANY_EVENT, min_size=1, max_size=5))
def test_compiled_rules_answer_for_any_event_and_keep_to_their_names(text: str, events: list[Event]) -> None:
    rule = affordable(text)
    for event in events:
        matched = rule.matches(event)
        assert matched in (True, False)
        assert not matched or rule.names is None or event.name in rule.names


SYMBOLS = [*".,()[]{}<!?:+-*/%", "==", "in", "&&", "||"]
TOKENS = st.sampled_from(
    [*SYMBOLS, "name", "properties", "x", '"a"', "'b'", "1", "2.5", "true", "null", "size", "has", "all"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(TOKENS, max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text_is_a_rule_or_an_error_with_a_place_in_it(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError as error:
        rows = text.split("\n")
        assert 1 <= error.line <= len(rows)
        assert 1 <= error.column <= len(rows[error.line - 1]) + 1
    else:
        assert rule.matches(Event()) in (True, False)
