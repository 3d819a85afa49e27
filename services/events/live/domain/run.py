"""One run while its history is read: which events it takes, and its steps, status, silence and drop-off."""

from __future__ import annotations

from itertools import islice

from services.events.live.domain.instance import Direction, DropOff, Instance, Step
from services.events.live.domain.map import Phase, Touchpoint
from services.events.live.domain.model import NEVER
from services.events.live.domain.reading import Reading
from services.events.live.domain.recognise import Recognition
from services.events.live.domain.state import RunState, Start
from services.events.live.domain.status import Status
from services.events.live.domain.trail import BEFORE_START, Trail
from services.events.timeline.domain import Event, Microseconds

# Reasons that no rule gives.
_PAUSED = "PAUSED"
_UNKNOWN = "UNKNOWN"


class Run:
    """A journey instance in the making. Made by `begun` and `resumed`."""

    __slots__ = (
        "_drop_off",
        "_end_key",
        "_ended_at",
        "_furthest",
        "_goal_phase",
        "_judged",
        "_match",
        "_paused_by",
        "_phase",
        "_resting",
        "_steps",
        "_touchpoint",
        "_trail",
        "_walked",
        "_walked_from",
        "alarm",
        "deadline",
        "digest",
        "is_open",
        "key",
        "last_event_at",
        "number",
        "place",
        "reading",
        "start",
        "status",
    )

    deadline: Microseconds
    last_event_at: Microseconds

    def __init__(
        self, number: int, reading: Reading, key: str | None, start: Start, phase: Phase, touchpoint: str
    ) -> None:
        self.number = number
        self.reading = reading
        self.key = key
        self.start = start
        self.place = start.key  # tells the runs of a customer apart and puts them in order, whatever their numbers
        self.status = Status.ACTIVE
        self.is_open = True  # completed ones too, for aftercare
        self.alarm = NEVER  # when somebody will look whether the deadline has passed
        self.digest = 0  # what it contributes to the digest of closed runs
        self._phase = self._goal_phase = self._furthest = phase
        self._touchpoint = touchpoint
        self._ended_at: Microseconds | None = None
        self._paused_by: str | None = None
        self._drop_off: DropOff | None = None
        self._resting: RunState | None = None
        self._end_key: bytes | None = None
        self._steps: list[Step] = []
        # What is only told at the end, or when the state is, waits until then: the first so many steps are in.
        self._judged = self._walked = 0
        self._match: tuple[str, str] | None = None  # latest event so far that a drop-off rule matches: reason and id
        self._trail = self._walked_from = BEFORE_START

    @classmethod
    def begun(cls, number: int, reading: Reading, event: Event, touchpoint: Touchpoint) -> Run:
        """A run that begins with the event, at that touchpoint, under the version of the reading."""
        channel = touchpoint.channel if event.channel is None else event.channel
        variant = event.context.get("variant")
        start = Start(
            event.id,
            event.key,
            event.occurred_at,
            channel,
            event.device,
            event.source,
            variant if isinstance(variant, str) else None,
        )
        run = cls(number, reading, reading.key, start, touchpoint.phase, touchpoint.key)
        run._take(event, touchpoint, Direction.START if number == 1 else Direction.REENTER)
        return run

    @classmethod
    def resumed(cls, state: RunState, reading: Reading, *, is_open: bool) -> Run:
        """A run as it stood; a closed one is at rest."""
        version = reading.version
        run = cls(state.number, reading, state.key, state.start, version.phase(state.phase), state.touchpoint)
        run.status = state.status
        run.is_open = is_open
        run.last_event_at = state.last_event_at
        run._goal_phase = version.phase(state.goal_phase)
        run._furthest = version.phase(state.furthest)
        run._ended_at = state.ended_at
        run._paused_by = state.paused_by
        if state.reason is not None and state.evidence is not None:
            run._match = state.reason, state.evidence
        run._trail = run._walked_from = state.trail
        run.deadline = run.last_event_at + run._patience()
        return run

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

    def wake(self, event: Event) -> None:
        """The run is at rest, and is about to take an event that cancels or returns it."""
        self._resting = self.state()
        self._end_key = event.key

    def close(self) -> None:
        """Silence has lasted until the deadline: it abandons an active or paused run, and closes a completed one."""
        if self.status is Status.COMPLETED:
            self.is_open = False
        else:
            self._end(Status.ABANDONED, self.deadline)

    def state(self) -> RunState:
        """The run as it stands; it is open or at rest."""
        if self._walked < len(self._steps):
            self._judge()
            self._walk()
        reason, evidence = self._match or (None, None)
        return RunState(
            self.number,
            self.reading.version.number,
            self.key,
            self.status,
            self._phase.key,
            self._goal_phase.key,
            self._touchpoint,
            self._furthest.key,
            self.start,
            self.last_event_at,
            self._ended_at,
            self._paused_by,
            reason,
            evidence,
            self._trail,
        )

    def instance(self, clock: Microseconds) -> Instance:
        """The run as silence up to the clock shows it."""
        status, ended_at, drop_off, resting = self.status, self._ended_at, self._drop_off, self._resting
        is_open = self.is_open and self.deadline > clock
        if not is_open and status is Status.COMPLETED:
            resting = self.state()
        elif not is_open and self.is_open:
            status, ended_at, drop_off = Status.ABANDONED, self.deadline, self._drop_off_at(self.deadline)
        return Instance(
            run=self.number,
            version=self.reading.version.number,
            key=self.key,
            status=status,
            phase=self._phase.key,
            furthest=self._furthest.key,
            touchpoint=self._touchpoint,
            start=self.start,
            started_at=self.start.at,
            last_event_at=self.last_event_at,
            ended_at=ended_at,
            due_at=self.deadline if is_open else None,
            drop_off=drop_off,
            steps=self._steps.copy(),
            walked_from=self._walked_from,
            resting=resting,
            end_key=self._end_key,
        )

    def _take(self, event: Event, touchpoint: Touchpoint | None, direction: Direction) -> None:
        channel = event.channel
        status = _status_after(self.status, self.reading.recognition, touchpoint is not None)
        if touchpoint is None:
            self._steps.append(Step(event, None, self._phase.key, direction, status, channel))
        else:
            phase = self._phase = touchpoint.phase
            if phase.index > self._furthest.index:
                self._furthest = phase
            self._touchpoint = touchpoint.key
            if channel is None:
                channel = touchpoint.channel
            self._steps.append(Step(event, touchpoint.key, phase.key, direction, status, channel))
        self.last_event_at = event.occurred_at
        if status is not self.status:
            self._change_status(event, status)
        # Not by _patience, because this is asked for every step.
        paused = status is Status.PAUSED
        self.deadline = event.occurred_at + (self.reading.version.pause_patience if paused else self._phase.patience)

    def _patience(self) -> Microseconds:
        return self.reading.version.pause_patience if self.status is Status.PAUSED else self._phase.patience

    def _change_status(self, event: Event, status: Status) -> None:
        if status is Status.CANCELLED or status is Status.RETURNED:
            self._end(status, event.occurred_at)
            return
        if status is Status.COMPLETED:
            self._goal_phase = self._phase
            self._ended_at = event.occurred_at
        self._paused_by = event.id if status is Status.PAUSED else None
        self.status = status

    def _end(self, status: Status, at: Microseconds) -> None:
        """End without the goal, or with the goal undone: the run takes no more events and has a drop-off."""
        self._drop_off = self._drop_off_at(at)
        self._ended_at = at
        self.status = status
        self.is_open = False

    def _drop_off_at(self, at: Microseconds) -> DropOff:
        """The drop-off if the run ends now, while `status` is still the one just before the ending."""
        self._judge()
        if self._match is not None:
            reason, evidence = self._match
            return DropOff(reason, self._phase.key, at, (evidence,))
        if self.status is Status.PAUSED and self._paused_by is not None:
            return DropOff(_PAUSED, self._phase.key, at, (self._paused_by,))
        return DropOff(_UNKNOWN, self._phase.key, at, ())

    def _judge(self) -> None:
        """Find the latest event that a drop-off rule matches: among the new steps, else it is the one known."""
        version = self.reading.version
        if version.drop_off_reasons:
            for step in islice(reversed(self._steps), len(self._steps) - self._judged):
                reason = version.drop_off_reason(step.event)
                if reason is not None:
                    self._match = reason, step.event.id
                    break
        self._judged = len(self._steps)

    def _walk(self) -> None:
        """Follow the trail along the new steps, as Trail.after does step by step."""
        touchpoint, at, channel, device, source = self._trail
        for step in islice(self._steps, self._walked, None):
            event = step.event
            if step.touchpoint is not None:
                touchpoint, at = step.touchpoint, event.occurred_at
            if step.channel is not None:
                channel = step.channel
            if event.device is not None:
                device = event.device
            source = event.source
        self._trail = Trail(touchpoint, at, channel, device, source)
        self._walked = len(self._steps)


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
