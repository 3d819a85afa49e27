"""What is refused when a rule is authored, and the place that the author is pointed at."""

import pytest

from infra.rules import RuleError, parse_rule

REFUSED = [
    # syntax
    ("", "RULE_SYNTAX", 1, 1, "the rule ends too early"),
    ("name ==", "RULE_SYNTAX", 1, 8, "the rule ends too early"),
    ('name ==\n  "A" &&\n  ', "RULE_SYNTAX", 3, 3, "the rule ends too early"),
    ('name = "A"', "RULE_SYNTAX", 1, 6, "unexpected '='; equality is written =="),
    ('name == "A" and true', "RULE_SYNTAX", 1, 13, "unexpected 'and'; and is written &&"),
    ("properties.x == 1\n  || $", "RULE_SYNTAX", 2, 6, "unexpected '$'"),
    ("(true", "RULE_SYNTAX", 1, 6, "the rule ends too early"),
    ("true)", "RULE_SYNTAX", 1, 5, "unexpected ')'"),
    ("properties.true", "RULE_SYNTAX", 1, 12, "unexpected 'true'"),
    ('"☀" == name &', "RULE_SYNTAX", 1, 13, "unexpected '&'; and is written &&"),
    ('kind == "track"\n&& name == "A', "RULE_SYNTAX", 2, 12, "the string that starts here is not closed"),
    ('name == """A"', "RULE_SYNTAX", 1, 9, "the string that starts here is not closed"),
    (r'name == "\d"', "RULE_SYNTAX", 1, 9, r"\d is not an escape; a backslash is written \\"),
    (r'name == "\ud800"', "RULE_SYNTAX", 1, 9, r"\ud800 is not a character"),
    ('name == "\ud800"', "RULE_SYNTAX", 1, 10, "a lone surrogate is not a character"),
    (r'name == r"a\"b"', "RULE_SYNTAX", 1, 9, "a raw string cannot contain its own quote"),
    (r'b"\u0041" == b"A"', "RULE_SYNTAX", 1, 1, r"\u0041 is not an escape of bytes"),
    ('{"a": 1}.a == 1', "RULE_SYNTAX", 1, 1, "rules have no map literals"),
    ("Event{a: 1} == 1", "RULE_SYNTAX", 1, 6, "rules have no message types"),
    ('.name == "A"', "RULE_SYNTAX", 1, 1, "rules have no names that start with a dot"),
    ("true && while", "RULE_SYNTAX", 1, 9, "'while' is a reserved word"),
    (
        "has(properties)",
        "RULE_SYNTAX",
        1,
        1,
        'has() asks for one field: has(a.b); for other keys write "key" in a',
    ),
    (
        "properties.a.exists(1, true)",
        "RULE_SYNTAX",
        1,
        14,
        "exists() asks for a name and a condition: list.exists(x, x > 1)",
    ),
    ('properties.a.all(name, name == "A")', "RULE_SYNTAX", 1, 14, 'the name "name" is taken; choose another'),
    # names
    (
        'true && phase == "buy"',
        "RULE_UNKNOWN_VARIABLE",
        1,
        9,
        'unknown variable "phase"; known are kind, name, channel, device, source, properties, context, traits',
    ),
    (
        "properties.a.all(x, y == x)",
        "RULE_UNKNOWN_VARIABLE",
        1,
        21,
        'unknown variable "y"; known are kind, name, channel, device, source, properties, context, traits, x',
    ),
    # values
    ("properties.x < 9223372036854775808", "RULE_VALUE", 1, 16, "9223372036854775808 does not fit in 64 bits"),
    ("properties.x < 1e999", "RULE_VALUE", 1, 16, "1e999 is too large for a number"),
    ('name.matches("(")', "RULE_VALUE", 1, 14, "not a pattern: missing ): ("),
    (r'name.matches("(a)\\1")', "RULE_VALUE", 1, 14, r"not a pattern: invalid escape sequence: \1"),
    (
        f'name.matches("{"a" * 257}")',
        "RULE_VALUE",
        1,
        14,
        "not a pattern: a pattern has at most 256 characters, this one 257",
    ),
    (
        'duration("P1M") < duration("1h")',
        "RULE_VALUE",
        1,
        10,
        'not a duration; write it as duration("1h30m")',
    ),
    (
        'timestamp(properties.t) < timestamp("2026-02-30T00:00:00Z")',
        "RULE_VALUE",
        1,
        37,
        'not a timestamp; write it as timestamp("2026-11-22T09:00:00Z")',
    ),
    # types
    ("name > 3", "RULE_TYPE", 1, 6, "a string > a number can never hold"),
    ("true &&\n(3 == name)", "RULE_TYPE", 2, 4, "a number == a string can never hold"),
    ("channel != null", "RULE_TYPE", 1, 9, "a string != null can never hold"),
    ("properties == 1", "RULE_TYPE", 1, 12, "a map == a number can never hold"),
    ("properties < traits", "RULE_TYPE", 1, 12, "a map < a map can never hold"),
    ('properties.x == b"a"', "RULE_TYPE", 1, 14, None),
    ("1 == true", "RULE_TYPE", 1, 3, "a number == true or false can never hold"),
    ("1 < 2 < 3", "RULE_TYPE", 1, 7, "true or false < a number can never hold"),
    ("name in [1, 2]", "RULE_TYPE", 1, 6, "a string in a list can never hold"),
    ('"a" in name', "RULE_TYPE", 1, 5, "a string in a string can never hold"),
    ("1 in properties", "RULE_TYPE", 1, 3, "a number in a map can never hold"),
    ('"a" && true', "RULE_TYPE", 1, 1, "this must be true or false, and is a string"),
    ("true || size(name)", "RULE_TYPE", 1, 9, "this must be true or false, and is a number"),
    ("!name", "RULE_TYPE", 1, 2, "this must be true or false, and is a string"),
    ("properties.x + 1", "RULE_TYPE", 1, 14, "this must be true or false, and is a number"),
    ("1", "RULE_TYPE", 1, 1, "this must be true or false, and is a number"),
    ("properties", "RULE_TYPE", 1, 1, "this must be true or false, and is a map"),
    ("name ? true : false", "RULE_TYPE", 1, 1, "this must be true or false, and is a string"),
    ('(true ? 1 : "a") == 1', "RULE_TYPE", 1, 7, "the branches of ?: are a number and a string"),
    ("properties.a.all(x, 1)", "RULE_TYPE", 1, 21, "this must be true or false, and is a number"),
    ("[1, 2].all(x, x.contains(name))", "RULE_TYPE", 1, 17, "a number does not go with contains()"),
    ("name.all(x, true)", "RULE_TYPE", 1, 6, "a string has no elements for all()"),
    ("size(1) == 1", "RULE_TYPE", 1, 1, "a number does not go with size()"),
    ("size(name, 1) == 1", "RULE_TYPE", 1, 1, "size() takes one argument"),
    ("name.size(1) == 1", "RULE_TYPE", 1, 6, "size() takes nothing between its brackets"),
    ('name.contains("a", "b")', "RULE_TYPE", 1, 6, "contains() takes one argument"),
    ("name.contains(1)", "RULE_TYPE", 1, 6, "a number does not go with contains()"),
    ("name.matches(properties.x)", "RULE_TYPE", 1, 25, "the pattern of matches() must be a string literal"),
    ("name.first == 1", "RULE_TYPE", 1, 6, "a string has no fields"),
    ("has(name.first)", "RULE_TYPE", 1, 1, "a string has no fields"),
    ("name[0] == 1", "RULE_TYPE", 1, 5, "a string has no elements"),
    ("properties[0] == 1", "RULE_TYPE", 1, 11, "a map has no element at a number"),
    ('[1]["a"] == 1', "RULE_TYPE", 1, 4, "a list has no element at a string"),
    ("name + 1 == 2", "RULE_TYPE", 1, 6, "there is no a string + a number"),
    ("1.5 % 2 == 0", "RULE_TYPE", 1, 5, "there is no a number % a number"),
    ("-name == 1", "RULE_TYPE", 1, 1, "a string cannot be negated"),
    (
        'duration("1h") == timestamp("2026-01-01T00:00:00Z")',
        "RULE_TYPE",
        1,
        16,
        "a duration == a timestamp can never hold",
    ),
    ("duration(1) == properties.x", "RULE_TYPE", 1, 1, "a number does not go with duration()"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "message"), REFUSED)
def test_refused_with_its_place(text: str, code: str, line: int, column: int, message: str | None) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(text)
    error = refused.value
    assert (error.code, error.line, error.column) == (code, line, column)
    assert message is None or error.message == message
    assert str(error) == f"{error.message} (line {line}, column {column})"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('count("Order Completed", "P30D") > 3', 1),
        ('seen("Order Completed", "P30D")', 1),
        ('since("Order Completed") > duration("1h")', 1),
        ('true && status("buy") == "ACTIVE"', 9),
        ('phase("buy") == "x"', 1),
        ("properties.a.map(x, x) == []", 14),
        ("properties.a.exists_one(x, x)", 14),
        ('contains(name, "a")', 1),
        ('name.has("a")', 6),
        ("int(properties.x) == 1", 1),
        ("__import__('os')", 1),
    ],
)
def test_unknown_functions(text: str, column: int) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(text)
    error = refused.value
    assert (error.code, error.line, error.column) == ("RULE_UNKNOWN_FUNCTION", 1, column)
    assert error.message.startswith("unknown ")
    assert "there are has(x.y), size(x)" in error.message
