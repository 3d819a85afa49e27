"""Is there an event that some rules match and others do not? Answered by building one, or by proving there is none.

What an event may hold at one place is tried out on the rules' own literals and what lies between them. Where rules do
no more than compare places with literals that tries everything that makes a difference, so finding nothing proves that
there is nothing; elsewhere it only means that nothing was found. An example is shown to the compiled rules before it
is given, so none is ever false.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice, pairwise, product
from typing import Any, Final

from infra.rules.cases import Path, Study, Wanted, affixes
from infra.rules.kinds import FIELD, VARIABLES, Kind
from infra.rules.nodes import Compare, Literal, Macro, Select, walk
from infra.rules.rule import Rule
from infra.rules.values import MISSING

MOST_TRIED: Final = 256
"""Combinations of cases looked at for one question, and of values for tests that read several places."""
MOST_WORK: Final = 300_000
"""Values tried for all questions of one inquiry together, about 4 µs each."""
_WORK_OF_STUDY: Final = 3  # for each character of a rule that is taken apart

_KINDS: Final = ("track", "page", "screen", "identify", "group", "alias")
_USUAL: Final[Mapping[str, str]] = {"kind": "track", "name": "Something Done", "source": "website"}


@dataclass(frozen=True, slots=True)
class Example:
    """An event, as rules see it, that holds no more than it needs to be an example."""

    kind: str = _USUAL["kind"]
    name: str = _USUAL["name"]
    source: str = _USUAL["source"]
    channel: str | None = None
    device: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The name, and everything else that is not as usual."""
        members = {member.name: getattr(self, member.name) for member in fields(self)}
        return {
            name: value for name, value in members.items() if name == "name" or (value and _USUAL.get(name) != value)
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """Neither an example nor impossible: nobody knows."""

    example: Example | None = None
    impossible: bool = False


_NOTHING: Final = Example()
IMPOSSIBLE: Final = Answer(impossible=True)
UNKNOWN: Final = Answer()


class Inquiry:
    """Questions about the rules of one model. When the work for all of them is used up, nobody knows any more."""

    def __init__(self, work: int = MOST_WORK) -> None:
        self._work = work
        self._studies: dict[Rule, Study] = {}

    def find_example(self, matching: Sequence[Rule], avoiding: Sequence[Rule] = ()) -> Answer:
        """An event that all rules of `matching` match and none of `avoiding`, or the proof that there cannot be one."""
        parts = [self._study(rule).matching for rule in matching if self._work > 0]
        parts += [self._study(rule).avoiding for rule in avoiding if self._work > 0]
        combinations = math.prod(len(part.cases) for part in parts)
        impossible = all(part.complete for part in parts) and combinations <= MOST_TRIED
        for choice in islice(product(*(part.cases for part in parts)), MOST_TRIED):
            if self._work <= 0:
                return UNKNOWN
            answer = self._solve([wanted for case in choice for wanted in case])
            found = answer.example
            if found is not None and _is_one(found, matching, avoiding):
                return answer
            impossible = impossible and answer.impossible
        return IMPOSSIBLE if impossible and self._work > 0 else UNKNOWN

    def _study(self, rule: Rule) -> Study:
        if rule not in self._studies:
            self._work -= _WORK_OF_STUDY * len(rule.text)
            self._studies[rule] = Study(rule)
        return self._studies[rule]

    def _solve(self, case: Sequence[Wanted]) -> Answer:
        """An event of the case. Each place is settled by itself; then the tests that read several are asked."""
        if any(wanted.test.holds(_NOTHING) != wanted.holds for wanted in case if not wanted.test.paths):
            return IMPOSSIBLE
        places = sorted({path for wanted in case for path in wanted.test.paths})
        choices: dict[Path, list[Any]] = {}
        for path in places:
            about = [wanted for wanted in case if path in wanted.test.paths]
            alone = [wanted for wanted in about if wanted.test.path == path]
            is_holder = any(other != path and other[: len(path)] == path for other in places)
            candidates = list(_candidates(path, about, is_holder))
            self._work -= len(candidates)
            choices[path] = [value for value in candidates if _fits(path, value, alone)]
            if not choices[path]:
                return IMPOSSIBLE if _tried_everything(alone) else UNKNOWN
        return self._combine(choices, [wanted for wanted in case if len(wanted.test.paths) > 1])

    def _combine(self, choices: Mapping[Path, Sequence[Any]], together: Sequence[Wanted]) -> Answer:
        asked = {path for wanted in together for path in wanted.test.paths}
        ranges = [values if path in asked else values[:1] for path, values in choices.items()]
        for values in islice(product(*ranges), MOST_TRIED):
            self._work -= 1
            event = _event(zip(choices, values, strict=True))
            if event is not None and all(wanted.test.holds(event) == wanted.holds for wanted in together):
                return Answer(event)
        return UNKNOWN


def _is_one(event: Example, matching: Iterable[Rule], avoiding: Iterable[Rule]) -> bool:
    return all(rule.matches(event) for rule in matching) and not any(rule.matches(event) for rule in avoiding)


def _fits(path: Path, value: object, alone: Iterable[Wanted]) -> bool:
    event = _event([(path, value)])
    return event is not None and all(wanted.test.holds(event) == wanted.holds for wanted in alone)


def _tried_everything(alone: Sequence[Wanted]) -> bool:
    """Whether the candidates stood for every value that the place can have."""
    return any(wanted.holds and wanted.test.names_values for wanted in alone) or all(
        wanted.test.is_plain for wanted in alone
    )


def _candidates(path: Path, about: Sequence[Wanted], is_holder: bool) -> Iterator[Any]:
    """Values that tell apart everything that the tests tell apart, the plainest first.

    `is_holder`: the tests read fields of this place, too.
    """
    if path == ("kind",):
        yield from _KINDS
        return
    kinds = VARIABLES[path[0]] if len(path) == 1 else FIELD
    literals = _distinct(literal for wanted in about for literal in wanted.test.literals)
    texts = [literal for literal in literals if isinstance(literal, str)]
    if is_holder and kinds & Kind.MAP:
        yield {}
    if kinds & Kind.MISSING:
        yield MISSING
    if kinds & Kind.STRING:
        yield from texts
        yield from _composed(about)
        yield from _between_texts(texts, _USUAL.get(path[0], "something"))
    if kinds & Kind.INT:
        yield from _numbers([value for value in literals if type(value) in (int, float)])
        yield from (True, False, None)
    if kinds & Kind.MAP:
        yield from _containers(about, texts)
        yield {}


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({(type(value), value): value for value in values}.values())


def _composed(about: Iterable[Wanted]) -> Iterator[str]:
    """What `startsWith`, `contains` and `endsWith` ask for, in one text."""
    parts = [affixes(wanted.test.node) for wanted in about if wanted.holds]
    for order in (("startsWith", "contains", "endsWith"), ("startsWith", "endsWith"), ("startsWith",)):
        chosen = ["".join(dict.fromkeys(part[name] for part in parts if name in part)) for name in order]
        if any(chosen):
            yield "".join(dict.fromkeys(chosen))


def _between_texts(texts: Sequence[str], usual: str) -> Iterator[str]:
    yield usual
    yield from (f"{text}-" for text in texts)
    yield from (f"{text}\x01" for text in texts)  # no text of an event lies between the two
    yield ""


def _numbers(literals: Sequence[Any]) -> Iterator[float]:
    """The literals, as integer and as double, and a number of every range that they leave."""
    ordered = sorted(set(literals))
    if not ordered:
        yield from (1, 0, 100)
        return
    for number in ordered:
        yield number
        if number == int(number):
            yield int(number)
            yield float(number)
    yield math.floor(ordered[-1]) + 1
    yield math.ceil(ordered[0]) - 1
    for below, above in pairwise(ordered):
        whole = math.floor(below) + 1
        yield whole if whole < above else (below + above) / 2


def _containers(about: Iterable[Wanted], texts: Sequence[str]) -> Iterator[Any]:
    """Lists and maps with one element, for tests that look into them."""
    for wanted in about:
        if isinstance(wanted.test.node, Macro):
            element = _element(wanted.test.node)
            if element:
                yield [element]
    for text in texts:
        yield [text]
        yield {text: True}
    yield []


def _element(macro: Macro) -> dict[str, Any]:
    """An element with the literals that the macro compares its fields with."""
    found: dict[str, Any] = {}
    for node, _ in walk(macro.predicate):
        match node:
            case Compare(left=Select(field=name), right=Literal(value=value)):
                found.setdefault(name, value)
            case Compare(left=Literal(value=value), right=Select(field=name)):
                found.setdefault(name, value)
    return found


def _event(assignments: Iterable[tuple[Path, Any]]) -> Example | None:
    """The event with these values at these places; None when one place leaves no room for another."""
    members: dict[str, Any] = {"properties": {}, "context": {}, "traits": {}}
    for path, value in assignments:  # in order: what holds others comes before them
        if value is MISSING:
            continue
        holder = members
        for step in path[:-1]:
            holder = holder.setdefault(step, {})
            if not isinstance(holder, dict):
                return None
        holder[path[-1]] = dict(value) if isinstance(value, dict) else value
    return Example(**members)
