"""Rules and events written to break or to block: every rule is refused or works, and no event makes one raise."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.rules import Rule, RuleError, parse_rule
from infra.rules.syntax import MAX_DEPTH, MAX_LENGTH
from tests.rules.builders import ORDER, Event

pytestmark = pytest.mark.timeout(20)


def filled(start: str, unit: str, end: str = "") -> str:
    """As long a rule as is read at all."""
    return start + unit * ((MAX_LENGTH - len(start) - len(end)) // len(unit)) + end


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * (MAX_LENGTH + 1), "RULE_TOO_COSTLY"),
        (filled("", "("), "RULE_SYNTAX"),
        (filled("", ")"), "RULE_SYNTAX"),
        (filled("", "["), "RULE_SYNTAX"),
        (filled("", "{"), "RULE_SYNTAX"),
        ("[" * 2000 + "]" * 2000, "RULE_TOO_COSTLY"),
        (filled("", "!", "true"), "RULE_TOO_COSTLY"),
        (filled("", "- ", "1"), "RULE_TOO_COSTLY"),
        (filled("properties", ".a"), "RULE_TOO_COSTLY"),
        (filled("properties", "[0]"), "RULE_TOO_COSTLY"),
        (filled("properties", ".a()"), "RULE_TOO_COSTLY"),
        ("size(" * 600 + "1" + ")" * 600, "RULE_TOO_COSTLY"),
        (filled("", "1+", "1"), "RULE_TOO_COSTLY"),
        (filled("", "1==", "1"), "RULE_TOO_COSTLY"),
        (filled("", "true?true:", "true"), "RULE_TOO_COSTLY"),
        (filled("", "true||", "true"), None),
        (filled("", "properties.a||", "true"), None),
        ("(" * 2000 + "true" + ")" * 2000, None),
        (filled("true//", "("), None),
        (filled('name in ["A"', ',"A"', "]"), None),
        (filled("", "\\"), "RULE_SYNTAX"),
        (filled('"', "\\\\"), "RULE_SYNTAX"),
        (filled('"""', "\\\\", '"'), "RULE_SYNTAX"),
        (filled("'''", "\r\n"), "RULE_SYNTAX"),
        (filled('name == "', "\\\\", '"'), None),
        (filled("name == '''", "\\\\", "'''"), None),
        (filled('name == r"', "\\\\", '"'), None),
        (filled("", '"'), "RULE_SYNTAX"),
        (filled("", "\x00"), "RULE_SYNTAX"),
        (filled("", " "), "RULE_SYNTAX"),
        (filled("1", "1"), "RULE_VALUE"),
        ("name.matches(r'((((((((((a*)*)*)*)*)*)*)*)*)*)*b')", None),
        ("name.matches('((((a{100}){100}){100}){100})')", "RULE_VALUE"),
        ("name.matches('(?:(?:a?){100}){10}')", "RULE_VALUE"),
    ],
    ids=lambda text: repr(text[:12]) if isinstance(text, str) else "",
)
def test_hostile_rules(text: str, code: str | None) -> None:
    if code is None:
        assert parse_rule(text).matches(ORDER) in (True, False)
    else:
        with pytest.raises(RuleError) as refused:
            parse_rule(text)
        assert refused.value.code == code


DEEP = MAX_DEPTH - 4


@pytest.mark.parametrize(
    "text",
    [
        "!" * DEEP + "properties.a",
        "properties" + ".a" * DEEP + " == 1",
        "properties" + '["a"]' * DEEP + " == 1",
        "properties.a" + "[properties.i]" * DEEP + " == 1",
        "properties.a" + " - properties.a" * DEEP + " == 1",
        "[" * DEEP + "properties.a" + "]" * DEEP + " == []",
        "(properties.a == " * DEEP + "true" + ")" * DEEP,
        "(properties.a in [" * (DEEP // 2) + "true" + "])" * (DEEP // 2),
        "properties.a ? true : " * DEEP + "false",
        "properties.a" + "".join(f".exists(x{i}, x{i}" for i in range(15)) + ")" * 15,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_the_deepest_rules_compile_and_run(text: str) -> None:
    assert parse_rule(text).matches(ORDER) in (True, False)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("properties.a.exists(x, properties.b.exists(y, x == y))", 1, 37),
        ("properties.a.all(x,\n x in traits.b)", 2, 4),
        ('properties.a.all(x, properties.b.matches("x"))', 1, 34),
        ("properties.a.all(x, properties.b + x == x)", 1, 34),
        ("properties.a.all(x, x.b.all(y, y in x.c))", 1, 34),
        ("properties.a.all(x, x.b.all(y, x.c.all(z, z == y)))", 1, 36),
        ("properties.a.all(x, [x, properties.b].all(y, 1 in y))", 1, 48),
        ("properties.a.all(x, x.b == properties.b || properties.b == traits.b)", 1, 57),
        (" && ".join(["properties.a.all(x, x.b > 1)"] * 12), 1, 315),
        ("[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, a == c)))", 1, 82),
    ],
)
def test_too_costly(text: str, line: int, column: int) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(text)
    assert (refused.value.code, refused.value.line, refused.value.column) == ("RULE_TOO_COSTLY", line, column)


@pytest.mark.parametrize(
    "text",
    [
        "properties.orders.exists(o, o.lines.exists(l, l.parts.all(p, p.sku == l.sku && p.n * properties.rate > 1)))",
        'properties.a.all(x, x in ["a"] || x.matches("^c") || x.contains(properties.b) || properties.b.contains(x))',
        "properties.a.all(x, x == properties.b || x < properties.b)",
        '["a", "b", "c"].exists(p, context.page.path.contains(p) || p in properties)',
    ],
)
def test_affordable(text: str) -> None:
    assert parse_rule(text).matches(ORDER) is False


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [{"a": value}]
    return value


HOSTILE_VALUES = [
    None,
    True,
    -(10**5000),
    10**5000,
    float("nan"),
    float("inf"),
    -0.0,
    "",
    "\ud800",
    "a" * 30_000,
    "2026-13-01T00:00:00Z",
    "99999999999999h",
    [],
    {},
    nested(20_000),
    [None, True, 1, "a", [], {}, nested(1_000)],
    {"a": nested(1_000), "": 1},
]
TOUCHY_RULES = [
    "properties.x == properties.y || properties.x != properties.y",
    "properties.x < properties.y || properties.x >= properties.y",
    "properties.x == 1 || properties.x != 'a' || properties.x < 1.5 || properties.x >= 'a' || properties.x == true",
    "properties.x == [1, 'a', null] || [[properties.x]] == [[properties.y]] || properties.x != null",
    "properties.x in properties.y || properties.x in [1, 2] || properties.x in ['a'] || properties.x in [1, 'a', null]",
    "properties.x + properties.y == 1 || properties.x - properties.y == 1 || -properties.x == 1",
    "properties.x * properties.y == 1 || properties.x / properties.y == 1 || properties.x % properties.y == 1",
    "properties.x * 2.5 == 1 || 1 / properties.x == 1 || 1.0 / properties.x == 1",
    "properties.x[properties.y] == 1 || properties.x.a.a == 1 || properties[properties.x] == 1 || properties.x[0].a",
    "properties.x.matches('a$') || properties.x.contains(properties.y) || properties.x.startsWith('a')",
    "size(properties.x) > 1 || has(properties.x.a)",
    "properties.x.exists(e, e.a == 1 || e == properties.y) || properties.x.all(e, !e)",
    "timestamp(properties.x) < timestamp('2026-01-01T00:00:00Z') || duration(properties.x) > duration('1h')",
    "timestamp(properties.x) + duration(properties.y) == timestamp(properties.y) - duration(properties.x)",
    "properties.x || !properties.x && (properties.x ? properties.y : properties.x)",
    "properties == traits || properties.x == properties || traits != context",
]


@pytest.mark.parametrize("text", TOUCHY_RULES)
def test_no_event_makes_a_rule_raise(text: str) -> None:
    matches = parse_rule(text).matches
    for x in HOSTILE_VALUES:
        for y in HOSTILE_VALUES:
            assert matches(Event(properties={"x": x, "y": y}, traits={"x": x})) in (True, False)
        assert matches(Event(properties={"x": x})) in (True, False)


def test_text_of_a_rule_is_never_python() -> None:
    text = """properties["__class__"] == "' + __import__('os').abort() + '" || properties.__class__ == 1"""
    assert parse_rule(text).matches(ORDER) is False
    assert parse_rule("properties.a.all(event, event.b == 1)").matches(Event(properties={"a": [{"b": 1}]})) is True
    assert parse_rule("properties.a.all(type, size(type) == 1)").matches(Event(properties={"a": ["b"]})) is True


def test_rules_parse_in_many_threads_at_once() -> None:
    ready = threading.Barrier(4)

    def parse(start: int) -> list[Rule]:
        ready.wait()
        return [parse_rule(f'name == "{number}" && properties.total > {number}') for number in range(start, 200, 4)]

    with ThreadPoolExecutor(4) as pool:
        rules = [rule for part in pool.map(parse, range(4)) for rule in part]
    assert {rule.names for rule in rules} == {frozenset({str(number)}) for number in range(200)}


def test_rules_parse_near_the_end_of_the_stack() -> None:
    def descend(levels: int) -> bool:
        return descend(levels - 1) if levels else parse_rule("!" * DEEP + "properties.gift").matches(ORDER)

    assert descend(sys.getrecursionlimit() // 2) is True
