"""What a valid journey model is, and what publishing it means. Pure: no I/O, no clock, no randomness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.chassis.durations import parse_duration
from infra.chassis.errors import Flaw, Invalid
from infra.chassis.versioned.domain import ALWAYS, Publication
from infra.rules import Rule, RuleError, parse_rule

Path = tuple[str, ...]

LONGEST_PATIENCE = 36_525 * 86_400_000_000
"""A hundred years, in microseconds: every deadline stays a moment that can be written down."""

MOST_RULES = 400
"""Parsing takes milliseconds a rule, and every event is held against all of them."""

_INSTANCE_KEY = re.compile(r"(properties|context|traits)(\.[^.]+)+")
_TOO_BROAD = re.compile(
    r"(session|visit|visitor|device|client|anonymous|user|customer|account|crm)(id|key|no|nr|number)?|email"
)
_BELONGING = ("goal", "cancelledWhen", "returnedWhen", "pausedWhen", "resumedWhen", "scope")


@dataclass(frozen=True, slots=True)
class Touchpoint:
    key: str
    recognised_by: str


@dataclass(frozen=True, slots=True)
class Phase:
    key: str
    patience: str | None
    touchpoints: tuple[Touchpoint, ...]
    means: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """The parts of a journey that must fit together; what is only described (lanes, evidence, owners) is not here."""

    phases: tuple[Phase, ...]
    rules: Mapping[str, str]
    """The rules of the journey itself by the name of their field; those left out are absent."""
    drop_offs: tuple[str, ...] = ()
    hypotheses: tuple[str, ...] = ()
    instance_key: str | None = None
    patience: str = "P30D"
    pause_patience: str = "P90D"

    def touchpoints(self) -> Iterator[tuple[Path, Touchpoint]]:
        for number, phase in enumerate(self.phases):
            for place, touchpoint in enumerate(phase.touchpoints):
                yield ("phases", str(number), "touchpoints", str(place)), touchpoint


@dataclass(frozen=True, slots=True)
class Judgement:
    """`flaws` forbid saving a model, `warnings` do not."""

    flaws: tuple[Flaw, ...]
    warnings: tuple[Flaw, ...]

    def insist(self) -> None:
        """Raises Invalid, with the code of the first flaw, unless there is none."""
        _refuse(self.flaws)


def judge(model: Model) -> Judgement:
    """Everything that is wrong or suspicious about a model, drafts included; each flaw says where."""
    flaws = [*_repeated_keys(model), *_bad_durations(model), *_bad_instance_key(model.instance_key)]
    texts = list(_rules(model))
    if len(texts) > MOST_RULES:
        flaws.append(
            Flaw("TOO_MANY_RULES", f"A journey has at most {MOST_RULES} rules, not {len(texts)}.", ("phases",))
        )
        return Judgement(tuple(flaws), ())
    rules: dict[Path, Rule] = {}
    for path, text in texts:
        try:
            rules[path] = parse_rule(text)
        except RuleError as error:
            flaws.append(Flaw(error.code, error.message, path, error.line, error.column))
    warnings = [*_too_broad_key(model.instance_key), *_same_rules(model)]
    if not flaws:
        warnings += _futile_rules(model, rules)
    return Judgement(tuple(flaws), tuple(warnings))


def require_publishable(model: Model) -> None:
    """Raises Invalid unless the model is valid and complete: customers can enter it, and it knows its goal."""
    missing = []
    if "goal" not in model.rules:
        missing.append(Flaw("GOAL_REQUIRED", "A journey is published with a goal; a draft may wait.", ("goal",)))
    if not any(model.touchpoints()):
        message = "A journey is published with at least one touchpoint; without one no customer can enter it."
        missing.append(Flaw("TOUCHPOINT_REQUIRED", message, ("phases",)))
    _refuse([*missing, *judge(model).flaws])


def strands_open_runs(coming: Publication, instance_key: str | None, former: str | None) -> bool:
    """Whether a version that follows another reads another instance key than that one: open runs would be cut off.

    What is in force always reads all history with the new key.
    """
    return instance_key != former and coming.effective_from != ALWAYS


def require_no_open_runs(open_runs: int) -> None:
    """Raises Invalid (INSTANCE_KEY_CHANGED) when runs are open under another instance key."""
    if open_runs:
        message = (
            f"{open_runs} runs are open under another instanceKey. Publish with effectiveFrom 0001-01-01T00:00:00Z, "
            "which reads all history with the new one, or wait until they have ended."
        )
        _refuse([Flaw("INSTANCE_KEY_CHANGED", message, ("instanceKey",))])


def _refuse(flaws: Sequence[Flaw]) -> None:
    if flaws:
        raise Invalid(flaws[0].message, code=flaws[0].code, errors=flaws)


def _rules(model: Model) -> Iterator[tuple[Path, str]]:
    for field, text in model.rules.items():
        yield (field,), text
    for path, touchpoint in model.touchpoints():
        yield (*path, "recognisedBy"), touchpoint.recognised_by
    for number, text in enumerate(model.drop_offs):
        yield ("dropOffReasons", str(number), "when"), text


def _repeated_keys(model: Model) -> Iterator[Flaw]:
    """Steps name touchpoints and phases by key alone, so touchpoint keys are unique in the whole journey."""
    phases = [(("phases", str(number)), phase.key) for number, phase in enumerate(model.phases)]
    yield from _repeated("phase", phases)
    yield from _repeated("touchpoint", ((path, touchpoint.key) for path, touchpoint in model.touchpoints()))
    for path, phase in zip((path for path, _ in phases), model.phases, strict=True):
        yield from _repeated("means", (((*path, "means", str(number)), key) for number, key in enumerate(phase.means)))
    yield from _repeated("hypothesis", ((("hypotheses", str(n)), key) for n, key in enumerate(model.hypotheses)))


def _repeated(kind: str, keys: Iterable[tuple[Path, str]]) -> Iterator[Flaw]:
    seen: set[str] = set()
    for path, key in keys:
        if key in seen:
            yield Flaw("DUPLICATE_KEY", f"Another {kind} of this journey has the key {key!r}.", (*path, "key"))
        seen.add(key)


def _bad_durations(model: Model) -> Iterator[Flaw]:
    durations: list[tuple[Path, str | None]] = [
        (("patience",), model.patience),
        (("pausePatience",), model.pause_patience),
        *((("phases", str(number), "patience"), phase.patience) for number, phase in enumerate(model.phases)),
    ]
    for path, text in durations:
        if text is None:
            continue
        try:
            length = parse_duration(text)
        except ValueError as error:
            yield Flaw("INVALID_DURATION", str(error), path)
        else:
            if length > LONGEST_PATIENCE:
                yield Flaw("INVALID_DURATION", f"{text!r} is longer than 100 years", path)


def _bad_instance_key(path: str | None) -> Iterator[Flaw]:
    if path is not None and not _INSTANCE_KEY.fullmatch(path):
        message = "instanceKey is a path that begins with properties., context. or traits., as in properties.order_id."
        yield Flaw("INVALID_INSTANCE_KEY", message, ("instanceKey",))


def _too_broad_key(path: str | None) -> Iterator[Flaw]:
    parts = re.sub(r"[_\s-]", "", path or "").lower().split(".")[1:]
    if any(_TOO_BROAD.fullmatch(part) for part in parts):
        message = (
            f"{path} looks like the number of a session or a customer. A key names one order, claim or contract; "
            "under a broader one, what precedes the goal's phase after the goal is not taken."
        )
        yield Flaw("INSTANCE_KEY_TOO_BROAD", message, ("instanceKey",))


def _same_rules(model: Model) -> Iterator[Flaw]:
    first: dict[str, str] = {}
    for path, touchpoint in model.touchpoints():
        rule = touchpoint.recognised_by.strip()
        if rule in first:
            message = f"The touchpoint {first[rule]!r} has the same rule; where the customer is decides between them."
            yield Flaw("SAME_RULE", message, (*path, "recognisedBy"))
        first.setdefault(rule, touchpoint.key)


def _futile_rules(model: Model, rules: Mapping[Path, Rule]) -> Iterator[Flaw]:
    """Rules that can never matter: a run starts with a touchpoint, and drop-off rules see events that belong."""
    touchpoints = _names(rules[*path, "recognisedBy"] for path, _ in model.touchpoints())
    of_journey = _names(rules[field,] for field in _BELONGING if (field,) in rules)
    belonging = None if touchpoints is None or of_journey is None else touchpoints | of_journey
    for path, rule in rules.items():
        if path == ("startsWhen",) and _disjoint(rule.names, touchpoints):
            yield Flaw("RULE_NEVER_MATCHES", "No touchpoint can match what startsWhen asks for: no run starts.", path)
        if path[0] == "dropOffReasons" and _disjoint(rule.names, belonging):
            message = "No event that belongs to this journey can match; let a touchpoint or `scope` match it too."
            yield Flaw("RULE_NEVER_MATCHES", message, path)


def _names(rules: Iterable[Rule]) -> frozenset[str] | None:
    """The event names that any of the rules can match; None when one of them can match every name."""
    found: frozenset[str] = frozenset()
    for rule in rules:
        if rule.names is None:
            return None
        found |= rule.names
    return found


def _disjoint(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is not None and other is not None and one.isdisjoint(other)
