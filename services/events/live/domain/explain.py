"""Why an instance is there, in its phase and with its status: in plain English, with the events and rules that decided.

What is said can be looked up: a rule is true of each event that is named with it, and where no event is, it is what has
not happened yet. Rules are asked again about the events, so that it is known, not guessed, which of several it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from infra.chassis.words import spoken_duration, spoken_moment
from services.events.explanation import Explanation
from services.events.live.domain.model import JourneyVersion, Model
from services.events.live.domain.parting import why_apart
from services.events.live.domain.recognise import Recognition
from services.events.live.domain.standing import Made, Standing, patience_after
from services.events.live.domain.status import Status
from services.events.timeline.domain import Event, Microseconds

_LONGEST_NAME = 100  # characters of an event's name: whoever sends events may call them anything


def explain(standing: Standing, models: Mapping[int, Model], events: Mapping[str, Event]) -> list[Explanation]:
    """Why there is the instance, why it is in its phase, why it has its status, and why it dropped off.

    `models` are the versions of its journey by number, `events` by id those that `standing.events` names.
    """
    teller = _Teller(standing, models, events)
    return [*teller.start(), *teller.phase(), *teller.status(), *teller.drop_off()]


@dataclass(frozen=True, slots=True)
class _Teller:
    standing: Standing
    models: Mapping[int, Model]
    events: Mapping[str, Event]

    # --- why there is the instance -----------------------------------------------------------------------------------

    def start(self) -> Iterator[Explanation]:
        first = self.standing.first
        yield self._because(f"It began with {self._event(first)}, {self._recognised(first)}.", first.touchpoint, first)
        starts_when = self._document.get("startsWhen")
        if starts_when is not None:
            yield self._told("Only an event that meets startsWhen begins a run, and this one does.", starts_when, first)
        yield from self._key()
        if self.standing.former is not None:
            why, events = why_apart(self.standing.former, self.standing, self.models, self.events)
            yield Explanation(f"It is a run of its own, because {why}.", events, None, self.standing.version)

    def _key(self) -> Iterator[Explanation]:
        key, key_of = self.standing.key, self._version.key_of
        if key is None or key_of is None:
            return
        path = self._document["instanceKey"]
        standing = self.standing
        for step in sorted({standing.first, standing.placed, standing.turned, standing.last}, key=attrgetter("key")):
            if key_of(self.events[step.event]) == key:
                said = f"{path} of {self._event(step)} says so"
                began = "" if step == standing.first else ", which it began without"
                yield self._told(f'It is about "{key}"{began}: {said}.', None, step)
                return
        yield self._told(f'It is about "{key}", which it began without: {path} of a later event said so.', None)

    # --- why it is in its phase --------------------------------------------------------------------------------------

    def phase(self) -> Iterator[Explanation]:
        placed, last = self.standing.placed, self.standing.last
        phase = self._phase_name(placed.phase)
        text = f"It is in phase {phase}, because its latest event at a touchpoint was {self._event(placed)}"
        yield self._because(f"{text}, {self._recognised(placed)}.", placed.touchpoint, placed)
        if last.touchpoint is None:
            text = f"What came later, up to {self._event(last)}, is off the map and leaves the phase as it is."
            yield self._told(text, None, last)

    # --- why it has its status ---------------------------------------------------------------------------------------

    def status(self) -> Iterator[Explanation]:
        match self.standing.status:
            case Status.ACTIVE:
                yield from self._resumed()
                yield from self._missing_goal("It is ACTIVE: none")
                yield self._due("Unless it takes another event, it is ABANDONED")
            case Status.PAUSED:
                yield self._paused("is")
                yield self._resumable()
                yield from self._missing_goal("None")
                yield self._due("Unless it takes another event, it is ABANDONED")
            case Status.COMPLETED:
                yield self._changed("goal", "the goal")
                if self.standing.is_open:
                    yield self._due("It stays open for what follows the goal until silence closes it")
            case Status.CANCELLED:
                also = " That comes before the goal, which it met as well." if self._recognition.goal else ""
                yield self._changed("cancelledWhen", "cancelledWhen", also)
            case Status.RETURNED:
                yield self._changed("returnedWhen", "returnedWhen", " The goal had been met before.")
            case _:
                yield from self._abandoned()

    def _changed(self, field: str, name: str, also: str = "") -> Explanation:
        turned = self.standing.turned
        text = f"It is {self.standing.status}, because {self._event(turned)} met {name}.{also}"
        return self._told(text, self._document[field], turned)

    def _resumed(self) -> Iterator[Explanation]:
        turned = self.standing.turned
        if turned == self.standing.first:
            return
        text = f"It was paused, and goes on since {self._event(turned)}"
        if self._recognition.resumes:
            yield self._told(f"{text}, which met resumedWhen.", self._document["resumedWhen"], turned)
        else:
            yield self._because(f"{text}, which is at a touchpoint.", turned.touchpoint, turned)

    def _paused(self, verb: str) -> Explanation:
        turned = self.standing.turned
        text = f"It {verb} PAUSED, because {self._event(turned)} met pausedWhen."
        return self._told(text, self._document["pausedWhen"], turned)

    def _resumable(self) -> Explanation:
        rule = self._document.get("resumedWhen")
        wanted = "" if rule is None else "that meets resumedWhen, or one "
        return self._told(f"It goes on with an event {wanted}at a touchpoint that does not meet pausedWhen.", rule)

    def _missing_goal(self, none: str) -> Iterator[Explanation]:
        goal = self._document.get("goal")
        if goal is not None:
            yield self._told(f"{none} of its events has met the goal yet.", goal)

    def _due(self, what: str) -> Explanation:
        due_at = spoken_moment(self.standing.last.at + self._patience)
        return self._told(f"{what} on {due_at}, {self._silence}.", None, self.standing.last)

    def _abandoned(self) -> Iterator[Explanation]:
        last = self.standing.last
        if last.status == Status.PAUSED:
            yield self._paused("was")
        ended_at = spoken_moment(last.at + self._patience)
        yield self._told(f"It is ABANDONED since {ended_at}, because it took no event for {self._silence}.", None, last)

    # --- why it dropped off ------------------------------------------------------------------------------------------

    def drop_off(self) -> Iterator[Explanation]:
        reason, evidence = self.standing.reason, self.standing.evidence
        if reason is None:
            return
        has_rules = bool(self._document.get("dropOffReasons"))
        nothing = "no drop-off rule matches any of its events" if has_rules else "its journey has no drop-off rules"
        if not evidence:
            yield self._told(f"The reason is {reason}, because {nothing}.", None)
            return
        event = self.events[evidence[0]]
        place = self._version.drop_off_place(event)
        if place is None:
            why, rule = f"{nothing}, and {_named(event)} paused it", self._document["pausedWhen"]
        else:
            why = f"{_named(event)} is its latest event that a drop-off rule matches"
            rule = self._document["dropOffReasons"][place]["when"]
        yield Explanation(f"The reason is {reason}, because {why}.", evidence, rule, self.standing.version)

    # --- words -------------------------------------------------------------------------------------------------------

    @property
    def _document(self) -> Mapping[str, Any]:
        return self.models[self.standing.version].document

    @property
    def _version(self) -> JourneyVersion:
        return self.models[self.standing.version].version

    @property
    def _recognition(self) -> Recognition:
        """What the event that changed the status is to the journey."""
        return self._version.recogniser.recognise(self.events[self.standing.turned.event])

    @property
    def _patience(self) -> Microseconds:
        return patience_after(self.standing.last, self._version)

    @property
    def _silence(self) -> str:
        last = self.standing.last
        if last.status == Status.PAUSED:
            whose = "a pause"
        elif _phase(self._document, last.phase).get("patience") is None:
            whose = "the journey"
        else:
            whose = f"phase {self._phase_name(last.phase)}"
        length = spoken_duration(self._patience)
        return f"{length} after its last event, {self._event(last)}: the patience of {whose}"

    def _event(self, step: Made) -> str:
        return _named(self.events[step.event])

    def _recognised(self, step: Made) -> str:
        phase, touchpoint = _phase(self._document, step.phase), self._touchpoint(step.touchpoint)
        return f'recognised by touchpoint "{touchpoint["name"]}" of phase "{phase["name"]}"'

    def _phase_name(self, key: str) -> str:
        return f'"{_phase(self._document, key)["name"]}"'

    def _touchpoint(self, key: str | None) -> Mapping[str, Any]:
        touchpoints = (one for phase in self._document["phases"] for one in phase["touchpoints"])
        found: Mapping[str, Any] = next(one for one in touchpoints if one["key"] == key)
        return found

    def _because(self, text: str, touchpoint: str | None, *steps: Made) -> Explanation:
        """By the rule of a touchpoint."""
        return self._told(text, self._touchpoint(touchpoint)["recognisedBy"], *steps)

    def _told(self, text: str, rule: str | None, *steps: Made) -> Explanation:
        return Explanation(text, tuple(step.event for step in steps), rule, self.standing.version)


def _phase(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(phase for phase in document["phases"] if phase["key"] == key)
    return found


def _named(event: Event) -> str:
    name = event.name if len(event.name) <= _LONGEST_NAME else f"{event.name[: _LONGEST_NAME - 1]}…"
    return f'"{name}" on {spoken_moment(event.occurred_at)}'
