"""Why an event began a run of its own, as seen from the run before."""

from __future__ import annotations

from collections.abc import Mapping

from infra.chassis.words import spoken_moment
from services.events.live.domain.model import JourneyVersion, Model
from services.events.live.domain.standing import Former, Standing, patience_after
from services.events.live.domain.status import Status
from services.events.timeline.domain import Event, Microseconds


def why_apart(
    former: Former, standing: Standing, models: Mapping[int, Model], events: Mapping[str, Event]
) -> tuple[str, tuple[str, ...]]:
    """Why the run before did not take the event, and the events that show it.

    With several versions, keys and re-entries there are histories of which the few steps at hand do not tell it. Then
    no more is said than that it did not.
    """
    run, version = f"run {former.run}", models[former.version].version
    ended = _ended(former, version, standing.first.at)
    if ended is not None:
        return f"{run} {ended}", (former.last.event,)
    event = events[standing.first.event]
    if not version.recogniser.recognise(event).belongs:
        return f"by version {version.number}, which {run} belongs to, that first event is not part of the journey", ()
    key = None if version.key_of is None else version.key_of(event)
    is_own, completed = former.version == standing.version, former.last.status == Status.COMPLETED
    if key is None or former.key is None:
        if completed and (key is None or is_own):  # else it may have been the key: one version may allow it again
            text = f"{run} was COMPLETED, and takes neither the goal again nor a phase before it"
            return text, (former.last.event,)
    elif key != former.key and (_had_key(former, version, events) or (is_own and not completed)):
        return f'{run} is about "{former.key}", and that first event about "{key}"', (former.last.event,)
    return f"{run} does not take that first event", ()


def _ended(former: Former, version: JourneyVersion, at: Microseconds) -> str | None:
    """How the run had ended by that moment; None if it was still open."""
    status = former.last.status
    if status in (Status.CANCELLED, Status.RETURNED):
        return f"had ended: it was {status} on {spoken_moment(former.last.at)}"
    deadline = former.last.at + patience_after(former.last, version)
    if deadline > at:
        return None
    if status == Status.COMPLETED:
        return f"was COMPLETED, and closed by silence on {spoken_moment(deadline)}"
    return f"had ended: it was ABANDONED on {spoken_moment(deadline)}"


def _had_key(former: Former, version: JourneyVersion, events: Mapping[str, Event]) -> bool:
    """Whether the run is known to have had its key by then: it may have adopted it later."""
    shown = (former.start, former.last.event)
    return version.key_of is not None and former.key in [version.key_of(events[event]) for event in shown]
