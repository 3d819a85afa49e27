"""A customer's history folded up to a moment: what it meant then. Pure.

The same fold as everywhere else, over the events that had happened, with the moment as its clock: silence up to the
moment is told, and nothing that came after it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple, cast

import msgspec

from services.events.identity.domain import ProfileId
from services.events.ids import instance_id
from services.events.live.domain import Instance, Schedule, Step, fold
from services.events.live.domain.standing import Former, Made, Standing
from services.events.live.queries import InstanceRow, StepRow
from services.events.timeline.domain import Microseconds, occurred_at_of
from services.events.timeline.entry import Entry


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A step without its event. There may be very many: the garbage collector need not look into them."""

    key: bytes
    seq: int
    slot: int
    touchpoint: str | None
    phase: str
    direction: str
    status: str
    channel: str | None
    device: str | None

    @property
    def made(self) -> Made:
        return Made(f"{self.seq}-{self.slot}", self.key, self.touchpoint, self.phase, self.status)


class PastInstance(NamedTuple):
    """An instance as it stood, with its steps until then, oldest first."""

    row: InstanceRow
    steps: Sequence[Taken]

    def steps_behind(self, key: bytes) -> Sequence[Taken]:
        return self.steps[bisect_right(self.steps, key, key=attrgetter("key")) :]

    def step(self, taken: Taken) -> StepRow:
        return StepRow(
            instance=self.row.instance,
            journey=self.row.journey,
            version=self.row.version,
            event_id=f"{taken.seq}-{taken.slot}",
            occurred_at=occurred_at_of(taken.key),
            touchpoint=taken.touchpoint,
            phase=taken.phase,
            direction=taken.direction,
            channel=taken.channel,
            device=taken.device,
        )

    @property
    def placed(self) -> Made:
        """The last step with a touchpoint."""
        return next(step for step in reversed(self.steps) if step.touchpoint is not None).made

    @property
    def turned(self) -> Made:
        """The step since which it has had the status that the last one left it with."""
        status = self.steps[-1].status
        places = range(len(self.steps) - 1, 0, -1)
        return self.steps[next((place for place in places if self.steps[place - 1].status != status), 0)].made


class Past(NamedTuple):
    """What all journeys made of one customer's history up to a moment."""

    instances: Mapping[bytes, PastInstance]  # by id, newest start first

    @property
    def size(self) -> int:
        """How many steps there are."""
        return sum(len(one.steps) for one in self.instances.values())

    def takers(self, events: Iterable[Entry]) -> dict[str, list[InstanceRow]]:
        """The instances that had taken each event, by the event's id, newest start first."""
        taken: dict[tuple[int, int], list[InstanceRow]] = {(event.seq, event.slot): [] for event in events}
        for one in self.instances.values():
            for step in one.steps:
                if (step.seq, step.slot) in taken:
                    taken[step.seq, step.slot].append(one.row)
        return {f"{seq}-{slot}": rows for (seq, slot), rows in taken.items()}

    def standing(self, instance: bytes) -> Standing | None:
        """Where an instance stood, and what decided it; None if there was none with that id."""
        one = self.instances.get(instance)
        if one is None:
            return None
        row = one.row
        return Standing(
            journey=row.journey,
            version=row.version,
            run=row.run,
            key=row.key,
            status=row.status,
            is_open=row.due_at is not None,
            reason=row.drop_reason,
            evidence=tuple((row.drop_evidence or "").split()),
            first=one.steps[0].made,
            placed=one.placed,
            turned=one.turned,
            last=one.steps[-1].made,
            former=self._former(one),
        )

    def _former(self, one: PastInstance) -> Former | None:
        """The run before, as it stood when this one began."""
        for other in self.instances.values():
            if other.row.journey == one.row.journey and other.row.run == one.row.run - 1:
                last = other.steps[bisect_left(other.steps, one.steps[0].key, key=attrgetter("key")) - 1]
                row = other.row
                return Former(row.run, row.version, row.key, other.steps[0].made.event, last.made)
        return None

    def steps_on(self, journey: str) -> list[Taken]:
        """The steps on a journey, newest first."""
        taken = [step for one in self.instances.values() if one.row.journey == journey for step in one.steps]
        return sorted(taken, key=attrgetter("key"), reverse=True)


def folded(
    schedules: Mapping[str, Schedule], secret: bytes, customer: ProfileId, events: Iterable[Entry], moment: Microseconds
) -> Past:
    """The past of a customer. `events` are those that had occurred, in any order; schedules are by journey."""
    history = sorted(events, key=attrgetter("key"))
    instances = [
        PastInstance(_row(secret, customer, journey, instance), [_taken(step) for step in instance.steps])
        for journey, schedule in schedules.items()
        for instance in fold(schedule, history, moment).instances
    ]
    instances.sort(key=lambda one: (one.row.started_at, one.row.instance), reverse=True)
    return Past({one.row.instance: one for one in instances})


def _row(secret: bytes, customer: ProfileId, journey: str, instance: Instance) -> InstanceRow:
    drop = instance.drop_off
    return InstanceRow(
        instance=instance_id(secret, journey, instance.start.key),
        customer=customer,
        journey=journey,
        version=instance.version,
        key=instance.key,
        run=instance.run,
        status=instance.status.value,
        phase=instance.phase,
        touchpoint=instance.touchpoint,
        started_at=instance.started_at,
        start_key=instance.start.key,
        last_event_at=instance.last_event_at,
        ended_at=instance.ended_at,
        due_at=instance.due_at,
        drop_reason=drop.reason if drop else None,
        drop_phase=drop.phase if drop else None,
        drop_at=drop.at if drop else None,
        drop_evidence=" ".join(drop.evidence) if drop else None,
    )


def _taken(step: Step) -> Taken:
    event = cast(Entry, step.event)  # the fold hands back the events it was given
    return Taken(
        event.key,
        event.seq,
        event.slot,
        step.touchpoint,
        step.phase,
        step.direction.value,
        step.status.value,
        step.channel,
        event.device,
    )
