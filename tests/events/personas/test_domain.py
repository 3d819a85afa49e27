"""What rules need to be read for, and how reasons are told."""

from __future__ import annotations

import pytest

from infra.rules import RuleError
from services.events.personas.domain import (
    Known,
    Need,
    Occurrence,
    assign,
    compile_persona,
    name_digest,
    needs,
    occurrences_in,
    persona_version,
)

DAY = 86_400_000_000
NOW = 1_000 * DAY


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["traits.x == 1", None], []),
        (['seen("A", "P1D")', 'seen("A", "P3D") && seen("A", "P2D")'], [Need("A", 3 * DAY, 1)]),
        (['seen("A", "P1D") && count("A", "PT1H") > 2'], [Need("A", DAY, 1_000)]),
        (['since("A") > duration("P1D") || seen("A", "P9D")'], [Need("A", None, 1)]),
        (['count("B", "P1D") > 2', 'since("A") < since("B")'], [Need("B", None, 1_000), Need("A", None, 1)]),
    ],
)
def test_what_is_read_covers_every_question(rules: list[str | None], expected: list[Need]) -> None:
    assert needs([persona_version("a", 1, rule) for rule in rules]) == expected


def told(rule: str, **ago: list[int]) -> tuple[str, tuple[str, ...]]:
    """The reason for a rule that is true; each event is named after what it is and how long ago."""
    occurrences = {
        name: [Occurrence(bytes([255 - place]), NOW - each, f"{name}{each // DAY}") for place, each in enumerate(some)]
        for name, some in ago.items()
    }
    assignment = assign([persona_version("p", 3, rule)], Known({}, occurrences, NOW))
    assert assignment is not None
    [reason] = assignment.because
    assert (reason.rule, reason.version) == (rule, 3)
    return reason.text.removeprefix('The rule of persona "p" holds: '), reason.events


@pytest.mark.parametrize(
    ("rule", "ago", "text", "events"),
    [
        ('count("A", "P2D") == 1', {"A": [DAY, 2 * DAY]}, '"A" occurred once in the last 2 days.', ("A1",)),
        ('!seen("A", "PT1H")', {"A": [DAY]}, '"A" did not occur in the last 1 hour.', ()),
        ('!(since("A") > duration("P1D"))', {}, '"A" never occurred.', ()),
        (
            'since("A") > duration("P1D")',
            {"A": [2 * DAY, 5 * DAY]},
            '"A" last occurred on 1972-09-25 00:00:00 UTC.',
            ("A2",),
        ),
        # What is not asked on the way to the answer is told too: it is as true.
        ('seen("A", "P2D") || seen("B", "P2D")', {"A": [DAY], "B": [3 * DAY]},
         '"A" occurred in the last 2 days; "B" did not occur in the last 2 days.', ("A1",)),
        ('count("A", "P9D") > 1 && seen("A", "P2D")', {"A": [DAY, 3 * DAY]},
         '"A" occurred 2 times in the last 9 days; "A" occurred in the last 2 days.', ("A1", "A3")),
    ],
)  # fmt: skip
def test_a_reason_in_plain_english(rule: str, ago: dict[str, list[int]], text: str, events: tuple[str, ...]) -> None:
    assert told(rule, **ago) == (text, events)


def test_a_reason_names_the_newest_twenty_events_of_all_kinds() -> None:
    rule = 'count("A", "P90D") > 1 && count("B", "P90D") > 1'
    entries = [(name, Occurrence(bytes([day]), day * DAY, f"{name}{day}")) for day in range(30) for name in "AB"]
    found = occurrences_in(needs([persona_version("p", 1, rule)]), reversed(entries))
    assignment = assign([persona_version("p", 1, rule)], Known({}, found, 40 * DAY))
    assert assignment is not None
    assert assignment.because[0].events == tuple(f"{name}{day}" for day in range(29, 19, -1) for name in "BA")


def test_without_a_rule_that_is_true_there_is_no_persona() -> None:
    assert assign([], Known({}, {}, NOW)) is None
    assert assign([persona_version("p", 1, None), persona_version("q", 1, "traits.x == 1")], Known({}, {}, NOW)) is None


def test_a_version_that_cannot_be_used_is_refused() -> None:
    assert compile_persona({"key": "p", "version": 2, "matches": None}).number == 2
    with pytest.raises(RuleError):
        compile_persona({"key": "p", "version": 2, "matches": "nobody"})
    with pytest.raises(KeyError):
        compile_persona({"key": "p", "version": 2})


def test_any_name_has_a_digest_of_its_own() -> None:
    assert len({name_digest(name) for name in ("", "a", "A", "\ud800", "x" * 5_000)}) == 5
