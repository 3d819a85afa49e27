"""From the published document of a journey to the form that the fold reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.chassis.durations import parse_duration
from infra.rules import Rule, parse_rule
from services.events.live.domain.instance import Direction
from services.events.live.domain.keys import key_reader
from services.events.live.domain.map import Phase, Touchpoint, direction
from services.events.live.domain.model import ALWAYS, JourneyVersion, Reentry
from services.events.live.domain.recognise import Recogniser, RuleSet
from services.events.timeline.domain import Microseconds

# What JourneyInput says where the author said nothing.
_PATIENCE = "P30D"
_PAUSE_PATIENCE = "P90D"
_ANY_CHANNEL = "any"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Document = Mapping[str, Any]


def compile_version(document: Document) -> JourneyVersion:
    """The version that a published document describes: JourneyInput's fields, `version` and `effectiveFrom`.

    A field that is absent or null has the default of JourneyInput; `effectiveFrom` null means always.
    Raises ValueError for a duration, moment, key path or re-entry that cannot be read, RuleError for a broken rule and
    KeyError for a missing field. All of them are refused when a journey is published.
    """
    rules = {
        field: _rule(document.get(field))
        for field in ("startsWhen", "goal", "cancelledWhen", "returnedWhen", "pausedWhen", "resumedWhen", "scope")
    }
    phases = _phases(document["phases"], parse_duration(document.get("patience") or _PATIENCE))
    drop_offs = document.get("dropOffReasons") or ()
    key_path = document.get("instanceKey")
    return JourneyVersion(
        number=document["version"],
        effective_from=_moment(document.get("effectiveFrom")),
        phases=phases,
        recogniser=Recogniser(
            phases,
            cancelled_when=rules["cancelledWhen"],
            returned_when=rules["returnedWhen"],
            goal=rules["goal"],
            paused_when=rules["pausedWhen"],
            resumed_when=rules["resumedWhen"],
            scope=rules["scope"],
        ),
        starts_when=rules["startsWhen"],
        key_of=None if key_path is None else key_reader(key_path),
        pause_patience=parse_duration(document.get("pausePatience") or _PAUSE_PATIENCE),
        reentry=Reentry(document.get("reentry") or Reentry.ALWAYS),
        drop_off_rules=RuleSet([parse_rule(drop_off["when"]) for drop_off in drop_offs]),
        drop_off_reasons=tuple(drop_off["reason"] for drop_off in drop_offs),
    )


def _phases(documents: Sequence[Document], journey_patience: Microseconds) -> tuple[Phase, ...]:
    mandatory = [document.get("mandatory") is not False for document in documents]
    return tuple(
        _phase(
            document,
            index,
            journey_patience,
            tuple(direction(index, target, mandatory) for target in range(len(documents))),
        )
        for index, document in enumerate(documents)
    )


def _phase(document: Document, index: int, journey_patience: Microseconds, directions: tuple[Direction, ...]) -> Phase:
    own_patience = document.get("patience")
    phase = Phase(
        key=document["key"],
        index=index,
        patience=journey_patience if own_patience is None else parse_duration(own_patience),
        directions=directions,
        touchpoints=[],
    )
    for touchpoint in document.get("touchpoints") or ():
        channel = touchpoint.get("channel") or _ANY_CHANNEL
        phase.touchpoints.append(
            Touchpoint(
                key=touchpoint["key"],
                phase=phase,
                channel=None if channel == _ANY_CHANNEL else channel,
                recognised_by=parse_rule(touchpoint["recognisedBy"]),
            )
        )
    return phase


def _rule(text: str | None) -> Rule | None:
    return None if text is None else parse_rule(text)


def _moment(text: str | None) -> Microseconds:
    if text is None:
        return ALWAYS
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not say its offset from UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)
