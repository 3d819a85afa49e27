"""What a valid journey model is, and what publishing it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.chassis.durations import parse_duration
from infra.chassis.errors import Flaw, Invalid
from infra.chassis.versioned.domain import ALWAYS, Publication
from infra.rules import Rule, RuleError, parse_rule
from services.journeys.domain.model import Model, Path
from services.journeys.domain.suspicions import GOAL_UNREACHABLE, suspicions

LONGEST_PATIENCE = 36_525 * 86_400_000_000
"""A hundred years, in microseconds: every deadline stays a moment that can be written down."""

MOST_RULES = 400
"""Parsing takes milliseconds a rule, and every event is held against all of them."""

_INSTANCE_KEY = re.compile(r"(properties|context|traits)(\.[^.]+)+")
_TOO_BROAD = re.compile(
    r"(session|visit|visitor|device|client|anonymous|user|customer|account|crm)(id|key|no|nr|number)?|email"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`flaws` forbid saving a model, `warnings` do not."""

    flaws: tuple[Flaw, ...]
    warnings: tuple[Flaw, ...]

    def insist(self) -> None:
        """Raises Invalid, with the code of the first flaw, unless there is none."""
        _refuse(self.flaws)


def judge(model: Model) -> Judgement:
    """Everything that is wrong about a model, drafts included, else everything suspicious; each flaw says where."""
    flaws = [*_repeated_keys(model), *_bad_durations(model), *_bad_instance_key(model.instance_key)]
    texts = list(model.all_rules())
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
    if flaws:
        return Judgement(tuple(flaws), ())
    return Judgement((), (*_too_broad_key(model.instance_key), *suspicions(model, rules)))


def require_publishable(model: Model) -> None:
    """Raises Invalid unless the model is valid and complete: customers can enter it, and can reach its goal."""
    missing = []
    if "goal" not in model.rules:
        missing.append(Flaw("GOAL_REQUIRED", "A journey is published with a goal; a draft may wait.", ("goal",)))
    if not any(model.touchpoints()):
        message = "A journey is published with at least one touchpoint; without one no customer can enter it."
        missing.append(Flaw("TOUCHPOINT_REQUIRED", message, ("phases",)))
    judgement = judge(model)
    hopeless = [warning for warning in judgement.warnings if warning.code == GOAL_UNREACHABLE]
    _refuse([*missing, *judgement.flaws, *hopeless])


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


def _repeated_keys(model: Model) -> Iterator[Flaw]:
    """Steps name touchpoints and phases by key alone, so touchpoint keys are unique in the whole journey."""
    phases = [(("phases", str(number)), phase.key) for number, phase in enumerate(model.phases)]
    yield from _repeated("phase", phases)
    yield from _repeated("touchpoint", ((path, touchpoint.key) for path, touchpoint in model.touchpoints()))
    for path, phase in zip((path for path, _ in phases), model.phases, strict=True):
        yield from _repeated("means", (((*path, "means", str(number)), key) for number, key in enumerate(phase.means)))
    yield from _repeated("hypothesis", ((("hypotheses", str(n)), one.key) for n, one in enumerate(model.hypotheses)))


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
