"""Rules over a customer: what they may ask, what that means, and until when an outcome holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rules import Outcome, RuleError, parse_customer_rule, parse_rule

DAY = 86_400_000_000
NOW = 1_000 * DAY

KNOWN = (
    "there are count(name, within), seen(name, within), since(name), has(x.y), size(x), duration(s), timestamp(s), "
    "x.exists(y, ...), x.all(y, ...), s.contains(t), s.startsWith(t), s.endsWith(t), s.matches(pattern)"
)
REFUSED = [
    ('name == "A"', "RULE_UNKNOWN_VARIABLE", 1, 'unknown variable "name"; known are traits'),
    ("properties.x == 1", "RULE_UNKNOWN_VARIABLE", 1, 'unknown variable "properties"; known are traits'),
    (
        "traits.a.exists(x, y == 1)",
        "RULE_UNKNOWN_VARIABLE",
        20,
        'unknown variable "y"; known are traits, x',
    ),
    (
        'phase("buy") == "pay"',
        "RULE_UNKNOWN_FUNCTION",
        1,
        f'unknown function "phase": what a model is recognised by may not ask for the state of journeys; {KNOWN}',
    ),
    (
        'true || status("buy") == "ACTIVE"',
        "RULE_UNKNOWN_FUNCTION",
        9,
        f'unknown function "status": what a model is recognised by may not ask for the state of journeys; {KNOWN}',
    ),
    (
        'sum("A", "P1D") > 1',
        "RULE_UNKNOWN_FUNCTION",
        1,
        f'unknown function "sum"; {KNOWN}',
    ),
    ('traits.count("A", "P1D") > 1', "RULE_UNKNOWN_FUNCTION", 8, None),
    ('count("A") > 1', "RULE_TYPE", 1, "count() takes the name of an event and a length of time"),
    ('seen("A", "P1D", "P2D")', "RULE_TYPE", 1, "seen() takes the name of an event and a length of time"),
    ('since("A", "P1D") > duration("1h")', "RULE_TYPE", 1, "since() takes the name of an event"),
    ('count(3, "P1D") > 1', "RULE_TYPE", 7, "the name of an event must be a string literal"),
    ('seen(traits.favourite, "P1D")', "RULE_TYPE", 13, "the name of an event must be a string literal"),
    ('count("A", 30) > 1', "RULE_TYPE", 12, "the length of time must be a string literal"),
    ('count("A", duration("1h")) > 1', "RULE_TYPE", 12, "the length of time must be a string literal"),
    ('count("A", "30d") > 1', "RULE_VALUE", 12, "'30d' is not an ISO 8601 duration such as P7D or PT36H"),
    (
        'seen("A", "P1M")',
        "RULE_VALUE",
        11,
        "'P1M' has months or years; give weeks, days or times, because those have a fixed length",
    ),
    ('seen("A", "PT0S")', "RULE_VALUE", 11, "'PT0S' is not a positive duration"),
    ('seen("A", "P36526D")', "RULE_VALUE", 11, "'P36526D' is longer than 100 years"),
    ('count("A", "P1D")', "RULE_TYPE", 1, "this must be true or false, and is a number"),
    ('count("A", "P1D") == "3"', "RULE_TYPE", 19, "a number == a string can never hold"),
    ('seen("A", "P1D") > 3', "RULE_TYPE", 18, "true or false > a number can never hold"),
    ('since("A") > "P30D"', "RULE_TYPE", 12, "a duration > a string can never hold"),
    ('since("A") == null', "RULE_TYPE", 12, "a duration == null can never hold"),
    ('since("A")', "RULE_TYPE", 1, 'since() can only be compared, as in since("Order Completed") > duration("P30D")'),
    ('since("A") + since("B") > duration("1h")', "RULE_TYPE", 1, None),
    ('since("A") in [duration("1h")]', "RULE_TYPE", 1, None),
    ('(traits.x ? since("A") : since("B")) > duration("1h")', "RULE_TYPE", 13, None),
    ('since("A") > duration("P1Y")', "RULE_VALUE", 23, None),
    ("&&".join(['seen("A","P1D")'] * 154), "RULE_TOO_COSTLY", 2602, "the rule takes more than 2,000 steps"),
    (
        f"traits.a.exists(x, {' && '.join(['seen(&#34;A&#34;, &#34;P1D&#34;)'] * 3)})".replace("&#34;", '"'),
        "RULE_TOO_COSTLY",
        None,
        "the rule takes more than 2,000 steps",
    ),
]


@pytest.mark.parametrize(("text", "code", "column", "message"), REFUSED, ids=[text[:40] for text, *_ in REFUSED])
def test_what_is_refused(text: str, code: str, column: int | None, message: str | None) -> None:
    with pytest.raises(RuleError) as refused:
        parse_customer_rule(text)
    error = refused.value
    assert (error.code, error.line) == (code, 1)
    assert column is None or error.column == column
    assert message is None or error.message == message


@pytest.mark.parametrize("call", ['count("A", "P1D") > 1', 'seen("A", "P1D")', 'since("A") > duration("1h")'])
def test_a_rule_over_one_event_cannot_ask_what_a_customer_did(call: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(f"true &&\n {call}")
    error = refused.value
    assert (error.code, error.line, error.column) == ("RULE_UNKNOWN_FUNCTION", 2, 2)
    name = call.partition("(")[0]
    assert error.message.startswith(
        f'unknown function "{name}": it asks what a customer did, and this rule is about one event; '
    )


def test_a_rule_says_which_events_it_asks_about() -> None:
    text = 'traits.segment == "family" && (count("Viewed", "P30D") >= 3 || !seen("Bought", "P1D")) || since("C") < x'
    rule = parse_customer_rule(text.replace(" || since", " && true || since").replace("< x", '< duration("1h")'))
    assert rule.names == {"Viewed", "Bought", "C"}
    assert parse_customer_rule("traits.vip").names == frozenset()


def test_a_rule_may_ask_up_to_its_cost() -> None:
    assert parse_customer_rule("&&".join(['seen("A","P1D")'] * 153)).names == {"A"}


def judged(text: str, moments: Mapping[str, Sequence[int]] = {}, traits: Mapping[str, Any] = {}) -> Outcome:
    return parse_customer_rule(text).judge(traits, moments, NOW)


@pytest.mark.parametrize(
    ("text", "ago", "expected"),
    [
        ('count("A", "P3D") == 2', (3 * DAY, 2 * DAY, DAY), Outcome(True, NOW + DAY)),
        ('count("A", "P3D") == 3', (3 * DAY - 1, 2 * DAY, DAY), Outcome(True, NOW + 1)),
        ('count("A", "P3D") == 0', (), Outcome(True, None)),
        ('count("A", "P3D") == 1', (0,), Outcome(True, NOW + 3 * DAY)),
        ('count("A", "P3D") == 0', (-5,), Outcome(True, NOW + 5)),  # ahead of our clock
        ('seen("A", "P3D")', (3 * DAY, 2 * DAY, DAY), Outcome(True, NOW + 2 * DAY)),
        ('seen("A", "P3D")', (3 * DAY,), Outcome(False, None)),
        ('since("A") > duration("P3D")', (4 * DAY, DAY), Outcome(False, NOW + 2 * DAY + 1)),
        ('since("A") >= duration("72h")', (DAY,), Outcome(False, NOW + 2 * DAY)),
        ('since("A") < duration("P3D")', (DAY,), Outcome(True, NOW + 2 * DAY)),
        ('since("A") <= duration("P3D")', (3 * DAY,), Outcome(True, NOW + 1)),
        ('duration("P3D") < since("A")', (DAY,), Outcome(False, NOW + 2 * DAY + 1)),
        ('since("A") == duration("P3D")', (DAY,), Outcome(False, NOW + 2 * DAY)),
        ('since("A") == duration("P3D")', (3 * DAY,), Outcome(True, NOW + 1)),
        ('since("A") > duration("P3D")', (), Outcome(False, None)),
        ('since("A") <= duration("P3D")', (), Outcome(False, None)),
        ('!(since("A") <= duration("P3D"))', (), Outcome(True, None)),
        ('since("A") > duration("P3D")', (9 * DAY,), Outcome(True, None)),
    ],
)
def test_what_the_functions_mean_and_when_they_turn(text: str, ago: tuple[int, ...], expected: Outcome) -> None:
    assert judged(text, {"A": [NOW - each for each in ago]}) == expected


def test_what_is_not_asked_does_not_wake_anybody() -> None:
    text = 'traits.segment == "family" && count("Viewed", "P30D") >= 3'
    viewed = {"Viewed": [NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY]}
    assert judged(text, viewed, {"segment": "student"}) == Outcome(False, None)
    assert judged(text, viewed) == Outcome(False, None)
    assert judged(text, viewed, {"segment": "family"}) == Outcome(True, NOW + 27 * DAY)


def test_which_of_two_events_came_last_does_not_change_by_time() -> None:
    moments = {"A": [NOW - 5], "B": [NOW - 9]}
    assert judged('since("A") < since("B")', moments) == Outcome(True, None)
    assert judged('since("B") < since("C")', moments) == Outcome(False, None)


@pytest.mark.parametrize("length", ["-23999999976h", "23999999976h", "P999999999D", 3, None, ["P1D"], "P1M"])
def test_no_trait_makes_a_rule_raise_or_wait_beyond_the_calendar(length: Any) -> None:
    outcome = judged('since("A") > duration(traits.x)', {"A": [NOW - 5]}, {"x": length})
    assert outcome == Outcome(length == "-23999999976h", None)


# --- against a naive oracle

Customer = Mapping[str, Sequence[int]]
COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Case:
    """A rule as text, and what it means at a moment, told in the plainest words."""

    text: str
    holds: Callable[[Customer, int], bool]


def span(micros: int) -> str:
    return f'"PT0.{micros:06d}S"'


@st.composite
def atoms(draw: st.DrawFn) -> Case:
    name, compare = draw(st.sampled_from("AB")), draw(st.sampled_from(sorted(COMPARE)))
    length, number = draw(st.integers(1, 12)), draw(st.integers(0, 3))
    holds = COMPARE[compare]

    def within(customer: Customer, now: int) -> int:
        return sum(now - length < moment <= now for moment in customer[name])

    def last(customer: Customer, name: str, now: int) -> int | None:
        return max((moment for moment in customer[name] if moment <= now), default=None)

    def old(customer: Customer, now: int) -> bool:
        moment = last(customer, name, now)
        return moment is not None and holds(now - moment, length)

    def older(customer: Customer, now: int) -> bool:
        one, other = last(customer, "A", now), last(customer, "B", now)
        return one is not None and other is not None and holds(now - one, now - other)

    return draw(
        st.sampled_from(
            [
                Case(
                    f'count("{name}", {span(length)}) {compare} {number}', lambda c, now: holds(within(c, now), number)
                ),
                Case(f'seen("{name}", {span(length)})', lambda c, now: within(c, now) > 0),
                Case(f'since("{name}") {compare} duration({span(length)})', old),
                Case(f'since("A") {compare} since("B")', older),
            ]
        )
    )


def combined(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    return st.one_of(
        st.builds(lambda a: Case(f"!({a.text})", lambda c, now: not a.holds(c, now)), inner),
        st.builds(
            lambda a, b: Case(f"({a.text} && {b.text})", lambda c, n: a.holds(c, n) and b.holds(c, n)), inner, inner
        ),
        st.builds(
            lambda a, b: Case(f"({a.text} || {b.text})", lambda c, n: a.holds(c, n) or b.holds(c, n)), inner, inner
        ),
        st.builds(
            lambda a, b, d: Case(
                f"({a.text} ? {b.text} : {d.text})", lambda c, n: b.holds(c, n) if a.holds(c, n) else d.holds(c, n)
            ),
            inner,
            inner,
            inner,
        ),
    )


MOMENTS = st.lists(st.integers(0, 20), max_size=4).map(sorted)
CUSTOMERS = st.fixed_dictionaries({"A": MOMENTS, "B": MOMENTS})
END = 40  # every window that opens up to 20 has closed


@given(st.recursive(atoms(), combined, max_leaves=4), CUSTOMERS, st.integers(0, 24))
def test_a_rule_means_what_the_oracle_says_until_it_is_due(case: Case, customer: Customer, now: int) -> None:
    outcome = parse_customer_rule(case.text).judge({}, customer, now)
    assert outcome.matches is case.holds(customer, now)
    assert outcome.due_at is None or outcome.due_at > now
    until = END if outcome.due_at is None else outcome.due_at
    assert [moment for moment in range(now, until) if case.holds(customer, moment) is not outcome.matches] == []


@given(atoms(), CUSTOMERS, st.integers(0, 24))
def test_woken_when_due_nothing_is_missed(case: Case, customer: Customer, now: int) -> None:
    rule, outcomes, moment = parse_customer_rule(case.text), {}, now
    while True:
        outcomes[moment] = rule.judge({}, customer, moment)
        if (due_at := outcomes[moment].due_at) is None:
            break
        moment = due_at
    turns = [one for one in range(now + 1, END) if case.holds(customer, one) is not case.holds(customer, one - 1)]
    assert set(turns) <= outcomes.keys()
