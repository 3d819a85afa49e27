"""Which persona a customer is, and why. Pure: no I/O, no clock, no randomness.

A customer is the published persona whose rule is true of their traits and events at a moment. Rules of several may be:
then the first by key is told, and `fit` says how many there were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from infra.chassis.words import spoken_duration, spoken_moment
from infra.rules import CustomerRule, Question, parse_customer_rule
from services.events.explanation import Explanation
from services.events.timeline.domain import Microseconds

MOST_COUNTED = 1_000
"""count() goes up to so many: of each event the newest ones are looked at, and no more."""
MOST_TOLD = 20
"""Events that an explanation names, the newest."""


class PersonaVersion(NamedTuple):
    key: str
    number: int
    rule: CustomerRule | None
    """Whom it means; None: nobody."""


class Occurrence(NamedTuple):
    """An event, by its place in history; compares as history does."""

    key: bytes
    at: Microseconds
    id: str


Occurrences = Mapping[str, Sequence[Occurrence]]
"""By name the events of a customer, newest first."""


class Known(NamedTuple):
    """What rules see of a customer at a moment."""

    traits: Mapping[str, Any]
    occurrences: Occurrences
    moment: Microseconds


class Need(NamedTuple):
    """Which events of a name decide what rules come to: the newest `most` of the last `within` microseconds."""

    name: str
    within: Microseconds | None
    """None: of ever."""
    most: int


class Assignment(NamedTuple):
    """`because`: a reason for each persona whose rule is true, the assigned one first; events newest first."""

    persona: str
    version: int
    fit: float
    because: tuple[Explanation, ...]


def compile_persona(document: Mapping[str, Any]) -> PersonaVersion:
    """The version that a published document describes. Raises RuleError for a rule that is none, and KeyError."""
    return persona_version(document["key"], document["version"], document["matches"])


def persona_version(key: str, number: int, matches: str | None) -> PersonaVersion:
    return PersonaVersion(key, number, None if matches is None else parse_customer_rule(matches))


@lru_cache(4_096)
def name_digest(name: str) -> bytes:
    """How a name stands in indexes, which cannot hold texts of any length."""
    return blake2b(name.encode(errors="surrogatepass"), digest_size=16).digest()


def needs(personas: Iterable[PersonaVersion]) -> list[Need]:
    """What has to be read of a customer to know which of these personas they are."""
    asked: dict[str, list[Question]] = defaultdict(list)
    for persona in personas:
        for question in persona.rule.questions if persona.rule else ():
            asked[question.name].append(question)
    return [Need(name, _within(questions), _most(questions)) for name, questions in asked.items()]


def _within(questions: Sequence[Question]) -> Microseconds | None:
    lengths = [question.within for question in questions]
    return None if None in lengths else max(length for length in lengths if length is not None)


def _most(questions: Iterable[Question]) -> int:
    return MOST_COUNTED if any(question.function == "count" for question in questions) else 1


def occurrences_in(needed: Iterable[Need], newest_first: Iterable[tuple[str, Occurrence]]) -> Occurrences:
    """Of a history, each event with its name, what is needed."""
    most = {need.name: need.most for need in needed}
    found: dict[str, list[Occurrence]] = {name: [] for name in most}
    for name, occurrence in newest_first:
        if len(found.get(name, ())) < most.get(name, 0):
            found[name].append(occurrence)
    return found


def assign(personas: Sequence[PersonaVersion], known: Known) -> Assignment | None:
    """The persona that a customer is; None if no rule is true. `personas` are in the order of their keys."""
    moments = {name: [one.at for one in reversed(found)] for name, found in known.occurrences.items()}
    matching = [
        (persona, persona.rule)
        for persona in personas
        if persona.rule is not None and persona.rule.judge(known.traits, moments, known.moment).matches
    ]
    if not matching:
        return None
    because = tuple(
        _reason(persona, rule, known, "holds too" if place else "holds")
        for place, (persona, rule) in enumerate(matching)
    )
    return Assignment(matching[0][0].key, matching[0][0].number, 1 / len(matching), because)


def _reason(persona: PersonaVersion, rule: CustomerRule, known: Known, holds: str) -> Explanation:
    found = {question: _found(question, known) for question in rule.questions}
    facts = "; ".join(_fact(question, events) for question, events in found.items())
    deciding = dict.fromkeys(merge(*(events[:MOST_TOLD] for events in found.values()), reverse=True))
    return Explanation(
        f'The rule of persona "{persona.key}" {holds}: {facts or "what is known of the customer meets it"}.',
        tuple(event.id for event in islice(deciding, MOST_TOLD)),
        rule.text,
        persona.number,
    )


def _found(question: Question, known: Known) -> Sequence[Occurrence]:
    """The events that answer a question, newest first: of seen() and since() the newest alone."""
    since = None if question.within is None else known.moment - question.within
    events = [
        event
        for event in known.occurrences.get(question.name, ())
        if event.at <= known.moment and (since is None or event.at > since)
    ]
    return events if question.function == "count" else events[:1]


def _fact(question: Question, events: Sequence[Occurrence]) -> str:
    name = f'"{question.name}"'
    if question.within is None:
        return f"{name} last occurred on {spoken_moment(events[0].at)}" if events else f"{name} never occurred"
    span = f"in the last {spoken_duration(question.within)}"
    if not events:
        return f"{name} did not occur {span}"
    if question.function == "seen":
        return f"{name} occurred {span}"
    return f"{name} occurred {_times(len(events))} {span}"


def _times(count: int) -> str:
    if count >= MOST_COUNTED:
        return f"{MOST_COUNTED:,} times or more"
    return "once" if count == 1 else f"{count} times"
