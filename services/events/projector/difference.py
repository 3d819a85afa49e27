"""What folding a customer on has changed, against what is stored: rows to replace, and what counters lose and gain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, cast

from services.events.ids import instance_id
from services.events.live.domain import BEFORE_START, EMPTY, History, Instance, RunState, Trail
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.live.state import States, read_states, write_checkpoint, write_states
from services.events.live.store.writing import Changes, Renumbered
from services.events.live.traits import merge
from services.events.partitions import partition_of
from services.events.projector.closed_runs import resting_of, write_resting
from services.events.projector.telling import Telling
from services.events.projector.walk import Walk
from services.events.projector.work import Built, Work
from services.events.timeline.domain import BEGINNING, END, occurred_at_of
from services.events.timeline.entry import Entry


class _Side(NamedTuple):
    """What is stored of a stretch under one build, or what the fold says."""

    rows: Mapping[str, InstanceRow]
    """By start event."""
    steps: Mapping[bytes, list[StepRow]]
    """By instance."""

    def walks(self) -> Iterator[tuple[InstanceRow, list[StepRow]]]:
        """Instances with their steps, if they have any."""
        for row in self.rows.values():
            if steps := self.steps.get(row.instance):
                yield row, steps


class Difference:
    """Made by comparing what a walk found with what is stored."""

    def __init__(self, work: Work, builds: Mapping[int, Built], walk: Walk, secret: bytes, now: int) -> None:
        self.changes = Changes()
        self.standing: list[tuple[InstanceRow, int]] = []
        """What the counters lose (-1) and gain (1)."""
        self.walked: list[tuple[InstanceRow, Trail, Sequence[StepRow], int]] = []
        self._telling = Telling(work)
        self.published = self._telling.published
        self._work = work
        self._builds = builds
        self._walk = walk
        self._secret = secret
        self._partition = partition_of(work.customer)
        self._kept = {} if work.stored is None else read_states(work.stored.state)
        self._end = walk.alike_behind or END
        self._last_key = self._find_last_key()
        self._clock = self._find_clock(now)
        self._due_at: int | None = None
        for build in walk.histories:
            self._compare(build)
        self._replace_checkpoints()
        self._replace_customer()

    def _find_last_key(self) -> bytes:
        """BEGINNING if nothing is left of the history."""
        if self._walk.alike_behind is not None:
            return cast(CustomerRow, self._work.stored).last_key
        return self._walk.entries[-1].key if self._walk.entries else self._work.start

    def _find_clock(self, now: int) -> int:
        """Behind an `alike` checkpoint nothing is folded, so silence there is told up to when it was."""
        if self._walk.alike_behind is not None:
            return cast(CustomerRow, self._work.stored).clock
        if self._work.clock is not None:
            return self._work.clock
        return max(now, occurred_at_of(self._last_key)) if self._last_key else now

    # --- instances and steps -----------------------------------------------------------------------------------------

    def _compare(self, build: int) -> None:
        views = self._walk.histories[build].until(self._clock)
        self._find_due([view.due_at for view in views if view.due_at is not None])
        rows = {view.start.event: self._row(build, view) for view in views}
        old = self._old_rows(build, rows)
        steps = {rows[view.start.event].instance: _step_rows(view, rows[view.start.event]) for view in views}
        old_steps = _by_instance(step for step in self._work.steps if step.build == build and step.key <= self._end)
        self._telling.turn_to(build, old_steps, steps, is_told=self._is_told(build))
        self._replace_steps(build, views, _Side(rows, steps), _Side(old, old_steps))
        open_behind = self._open_behind_match(build)
        for start, row in rows.items():
            stored = old.get(start)
            if stored is not None and (start in open_behind or (stored.end_key or BEGINNING) > self._end):
                row = stored._replace(run=row.run)  # what happens to it behind the checkpoint stays
            self._replace_instance(stored, row)
        for start, row in old.items():
            if start not in rows:
                self._let_go(build, row)
        self._renumber(build)

    def _is_told(self, build: int) -> bool:
        """Who has not been caught up under a build has published nothing under it."""
        known = self._work.stored is None or build in self._kept
        return known and self._builds[build].is_live and not self._work.is_catching_up

    def _find_due(self, deadlines: list[int]) -> None:
        if deadlines:
            first = min(deadlines)
            self._due_at = first if self._due_at is None else min(self._due_at, first)

    def _open_behind_match(self, build: int) -> frozenset[str]:
        """The runs, by start event, that go on behind an `alike` checkpoint: they end as they did."""
        if self._walk.alike_behind is None:
            return frozenset()
        return frozenset(run.start.event for run in self._walk.checkpoints[self._walk.alike_behind][build].open)

    def _old_rows(self, build: int, rows: Mapping[str, InstanceRow]) -> dict[str, InstanceRow]:
        """What is stored of the instances concerned, by start event."""
        work = self._work
        if work.stored is None:
            return {}
        closed = work.archives[build].rows
        touched = {start: closed[start] for start in rows if start in closed}
        if work.rewinds:
            open_before = {run.start.event for run in work.base[build].open}
            return touched | {
                row.start_event: row
                for row in work.instances
                if row.build == build
                and (row.start_event in open_before or self._is_within(row.start_key) or self._is_within(row.end_key))
            }
        # What was written then follows from the state and the clock of then.
        then = History(self._builds[build].schedule, work.base[build]).until(work.stored.clock)
        return touched | {view.start.event: self._row(build, view) for view in then}

    def _is_within(self, key: bytes | None) -> bool:
        return key is not None and self._work.start < key <= self._end

    def _let_go(self, build: int, row: InstanceRow) -> None:
        """No event of the stretch concerns the stored instance any more."""
        if row.start_key <= self._work.start:  # an event had ended the run when it was at rest
            self._replace_instance(row, self._at_rest_again(build, row))
            return
        self._telling.has_no_more(row)
        self.changes.instances_gone.append(row)
        self.changes.former.append(row)
        self.standing.append((row, -1))

    def _at_rest_again(self, build: int, row: InstanceRow) -> InstanceRow:
        """The instance of a run that an event of the stretch had ended, and that now no event has."""
        resting = cast(RunState, resting_of(row))
        alone = EMPTY._replace(versions=(resting.version,), started=1, open=(resting,))
        [view] = History(self._builds[build].schedule, alone).until(self._clock)
        return self._row(build, view)

    def _replace_instance(self, old: InstanceRow | None, new: InstanceRow) -> None:
        self._telling.has(old, new)
        if old == new:
            return
        if old is not None:
            self.changes.instances_gone.append(old)
            self.standing.append((old, -1))
        self.changes.instances.append(new)
        self.standing.append((new, 1))

    def _replace_steps(self, build: int, views: Sequence[Instance], new: _Side, old: _Side) -> None:
        if not old.steps:
            self.changes.steps += chain.from_iterable(new.steps.values())
        else:
            old_steps, new_steps = (list(chain.from_iterable(side.steps.values())) for side in (old, new))
            known, fresh = set(old_steps), set(new_steps)
            if known == fresh and all(
                _counted_as(new.rows[start]) == _counted_as(old.rows[start]) for start in new.rows.keys() & old.rows
            ):
                return
            self.changes.steps_gone += [step for step in old_steps if step not in fresh]
            self.changes.steps += [step for step in new_steps if step not in known]
        for row, steps in old.walks():
            self.walked.append((row, self._walked_from(build, row), steps, -1))
        before = {view.start.event: view.walked_from for view in views}
        for row, steps in new.walks():
            self.walked.append((row, before[row.start_event], steps, 1))

    def _walked_from(self, build: int, row: InstanceRow) -> Trail:
        """Where the steps of a stored instance go on from within the stretch."""
        if row.start_key > self._work.start:
            return BEFORE_START
        for run in self._work.base[build].open:
            if run.start.event == row.start_event:
                return run.trail
        resting = cast(RunState, resting_of(row))
        return resting.trail

    def _renumber(self, build: int) -> None:
        behind = self._walk.alike_behind
        if behind is None:
            return
        state = self._kept[build]
        numbers = {run.start.event: run.number for run in self._walk.checkpoints[behind][build].open}
        more = self._more_runs(build)
        renumbered = tuple(
            run._replace(number=numbers[run.start.event] if run.start.key <= behind else run.number + more)
            for run in state.open
        )
        self._kept[build] = state._replace(started=state.started + more, open=renumbered)
        if more:
            is_told = self._is_told(build) and self._work.is_told
            self.changes.renumbered.append(Renumbered(self._work.customer, build, behind, more, is_told))

    def _more_runs(self, build: int) -> int:
        """How many more runs than before have started up to the `alike` checkpoint."""
        begun = sum(1 for row in self._work.instances if row.build == build and self._is_within(row.start_key))
        now_begun = self._walk.checkpoints[cast(bytes, self._walk.alike_behind)][build].started
        return now_begun - self._work.base[build].started - begun

    def _row(self, build: int, view: Instance) -> InstanceRow:
        journey = self._builds[build].journey
        drop = view.drop_off
        start = view.start
        return InstanceRow(
            customer=self._work.customer,
            build=build,
            instance=instance_id(self._secret, journey, start.key),
            partition=self._partition,
            journey=journey,
            version=view.version,
            key=view.key,
            run=view.run,
            status=view.status,
            phase=view.phase,
            furthest=view.furthest,
            touchpoint=view.touchpoint,
            started_at=start.at,
            start_key=start.key,
            start_event=start.event,
            channel=start.channel,
            device=start.device,
            source=start.source,
            variant=start.variant,
            last_event_at=view.last_event_at,
            ended_at=view.ended_at,
            due_at=view.due_at,
            drop_reason=drop.reason if drop else None,
            drop_phase=drop.phase if drop else None,
            drop_at=drop.at if drop else None,
            drop_evidence=" ".join(drop.evidence) if drop else None,
            resting=None if view.resting is None else write_resting(view.resting),
            end_key=view.end_key,
        )

    # --- checkpoints and the customer --------------------------------------------------------------------------------

    def _replace_checkpoints(self) -> None:
        work = self._work
        written = {key: self._beside_others(key, states) for key, states in self._walk.checkpoints.items()}
        for key, stored in work.checkpoints.items():
            if written.get(key) == stored:
                del written[key]
            elif key <= self._end and not (work.is_catching_up and key not in written):  # else it is of other builds
                self.changes.checkpoints_gone.append((work.customer, key))
        self.changes.checkpoints += [(work.customer, key, state) for key, state in written.items()]

    def _beside_others(self, key: bytes, states: States) -> bytes:
        """A build that catches up leaves what the others have noted there."""
        stored = self._work.checkpoints.get(key)
        others = read_states(stored) if stored is not None and self._work.is_catching_up else {}
        return write_checkpoint({**others, **states})

    def _replace_customer(self) -> None:
        work, stored = self._work, self._work.stored
        if stored is not None:
            self.changes.customers_gone.append(work.customer)
        if stored is not None and work.is_catching_up:
            # Even if nothing is left of the history: what other builds made of it goes with the fold that is marked.
            due = min((due for due in (stored.due_at, self._due_at) if due is not None), default=None)
            states = self._kept | self._walk.states()
            self.changes.customers.append(stored._replace(state=write_states(states), due_at=due))
        elif self._last_key != BEGINNING:
            self.changes.customers.append(self._customer())

    def _customer(self) -> CustomerRow:
        stored, entries = self._work.stored, self._walk.entries
        matched = self._walk.alike_behind is not None
        if stored is None or self._work.start == BEGINNING:
            first_key, first_event = entries[0].key, entries[0].id
            traits = stored.traits if stored is not None and matched else None
        else:
            first_key, first_event, traits = stored.first_key, stored.first_event, stored.traits
        return CustomerRow(
            customer=self._work.customer,
            partition=self._partition,
            first_key=first_key,
            last_key=self._last_key,
            first_event=first_event,
            first_seen_at=occurred_at_of(first_key),
            last_seen_at=occurred_at_of(self._last_key),
            traits=merge(traits, entries),
            state=write_states(
                {build: self._kept[build] for build in self._walk.histories} if matched else self._walk.states()
            ),
            clock=self._clock,
            due_at=stored.due_at if stored is not None and matched else self._due_at,
        )


def _counted_as(row: InstanceRow) -> tuple[int, str | None, str | None, str, str | None]:
    """Under what the steps of an instance are counted; the day follows from its id."""
    return (row.version, row.channel, row.device, row.source, row.variant)


def _step_rows(view: Instance, instance: InstanceRow) -> list[StepRow]:
    rows = []
    for step in view.steps:
        event = cast(Entry, step.event)  # the fold hands back the events it was given
        rows.append(
            StepRow(
                instance.customer,
                instance.build,
                event.key,
                instance.instance,
                event.seq,
                event.slot,
                step.touchpoint,
                step.phase,
                step.direction,
                step.status,
                step.channel,
                event.device,
            )
        )
    return rows


def _by_instance(steps: Iterable[StepRow]) -> dict[bytes, list[StepRow]]:
    taken: dict[bytes, list[StepRow]] = defaultdict(list)
    for step in steps:
        taken[step.instance].append(step)
    return taken
