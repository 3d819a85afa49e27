"""One run while its history is read: which events it takes, and its steps, status, silence and drop-off."""

from __future__ import annotations

from services.events.live.domain.instance import Direction, DropOff, Instance, Status, Step
from services.events.live.domain.map import Touchpoint
from services.events.live.domain.reading import Reading
from services.events.live.domain.recognise import Recognition
from services.events.timeline.domain import Event, Microseconds

# Reasons that no rule gives.
_PAUSED = "PAUSED"
_UNKNOWN = "UNKNOWN"


class Run:
    """A journey instance in the making."""

    __slots__ = (
        "_drop_off",
        "_ended_at",
        "_goal_phase",
        "_paused_by",
        "_phase",
        "_steps",
        "_touchpoint",
        "deadline",
        "is_open",
        "key",
        "last_event_at",
        "number",
        "reading",
        "status",
    )

    def __init__(self, number: int, reading: Reading, event: Event, start: Touchpoint) -> None:
        """A run that begins with the event, at that touchpoint, under the version of the reading."""
        self.number = number
        self.reading = reading
        self.key = reading.key
        self.status = Status.ACTIVE
        self.is_open = True  # completed ones too, for aftercare
        self._phase = self._goal_phase = start.phase
        self._touchpoint = start
        self._steps: list[Step] = []
        self._paused_by: tuple[Event, ...] = ()
        self._ended_at: Microseconds | None = None
        self._drop_off: DropOff | None = None
        self._take(event, start, Direction.START if number == 1 else Direction.REENTER)

    def takes(self) -> bool:
        """Whether the run, while it is open, takes the event of its reading."""
        recognition = self.reading.recognition
        if self.status is not Status.COMPLETED or recognition.ends:
            return recognition.belongs
        if recognition.goal:
            return False
        touchpoint = recognition.nearest[self._phase.index]
        if touchpoint is None:
            return recognition.belongs
        return touchpoint.phase.index >= self._goal_phase.index

    def take(self, event: Event) -> None:
        """Make the event of its reading the next step."""
        touchpoint = self.reading.recognition.nearest[self._phase.index]
        direction = Direction.STAY if touchpoint is None else self._phase.directions[touchpoint.phase.index]
        self._take(event, touchpoint, direction)

    def close(self) -> None:
        """Silence has lasted until the deadline: it abandons an active or paused run, and closes a completed one."""
        if self.status is Status.COMPLETED:
            self.is_open = False
        else:
            self._end(Status.ABANDONED, self.deadline)

    def instance(self) -> Instance:
        """The run as it stands."""
        return Instance(
            run=self.number,
            version=self.reading.version.number,
            key=self.key,
            status=self.status,
            phase=self._phase.key,
            touchpoint=self._touchpoint.key,
            started_at=self._steps[0].event.occurred_at,
            last_event_at=self.last_event_at,
            ended_at=self._ended_at,
            due_at=self.deadline if self.is_open else None,
            steps=self._steps,
            drop_off=self._drop_off,
        )

    def _take(self, event: Event, touchpoint: Touchpoint | None, direction: Direction) -> None:
        channel = event.channel
        if touchpoint is None:
            self._steps.append(Step(event, None, self._phase.key, direction, channel))
        else:
            self._phase = touchpoint.phase
            self._touchpoint = touchpoint
            if channel is None:
                channel = touchpoint.channel
            self._steps.append(Step(event, touchpoint.key, touchpoint.phase.key, direction, channel))
        self.last_event_at = event.occurred_at
        self._change_status(event, _status_after(self.status, self.reading.recognition, touchpoint is not None))
        if self.status is Status.PAUSED:
            self.deadline = self.last_event_at + self.reading.version.pause_patience
        else:
            self.deadline = self.last_event_at + self._phase.patience

    def _change_status(self, event: Event, status: Status) -> None:
        if status is self.status:
            return
        if status is Status.CANCELLED or status is Status.RETURNED:
            self._end(status, event.occurred_at)
            return
        if status is Status.COMPLETED:
            self._goal_phase = self._phase
            self._ended_at = event.occurred_at
        elif status is Status.PAUSED:
            self._paused_by = (event,)
        self.status = status

    def _end(self, status: Status, at: Microseconds) -> None:
        """End without the goal, or with the goal undone: the run takes no more events and has a drop-off."""
        reason, evidence = self._drop_off_reason()
        self._drop_off = DropOff(reason, self._phase.key, at, evidence)
        self._ended_at = at
        self.status = status
        self.is_open = False

    def _drop_off_reason(self) -> tuple[str, tuple[Event, ...]]:
        """The reason with its evidence, while `status` is still the one just before the ending."""
        version = self.reading.version
        for step in reversed(self._steps):
            reason = version.drop_off_reason(step.event)
            if reason is not None:
                return reason, (step.event,)
        if self.status is Status.PAUSED:
            return _PAUSED, self._paused_by
        return _UNKNOWN, ()


def _status_after(status: Status, recognition: Recognition, on_map: bool) -> Status:
    """The status after a taken event: the first change that applies, at most one."""
    if recognition.cancels:
        return Status.CANCELLED
    if recognition.returns and status is Status.COMPLETED:
        return Status.RETURNED
    if recognition.goal and status is not Status.COMPLETED:
        return Status.COMPLETED
    if recognition.pauses and status is Status.ACTIVE:
        return Status.PAUSED
    if status is Status.PAUSED and (recognition.resumes or (on_map and not recognition.pauses)):
        return Status.ACTIVE
    return status
