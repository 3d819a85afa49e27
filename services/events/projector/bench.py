"""Lays out all that is needed to fold customers on, folds them, and says what is another now."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.insights.domain import Tally
from services.events.intake.store import MOST_BYTES
from services.events.live.domain.state import EMPTY
from services.events.live.rows import CustomerRow, InstanceRow, StepRow
from services.events.live.state import States, numbered, read_states
from services.events.live.store import standing
from services.events.live.store.standing import BuildStretch, Stretch
from services.events.live.store.writing import Changes
from services.events.models import builds
from services.events.models.builds import Build
from services.events.models.queries import Models
from services.events.projector import stuck
from services.events.projector.closed_runs import ClosedRuns, Wanted
from services.events.projector.dirty import EVERYTHING, Change
from services.events.projector.histories import Histories
from services.events.projector.refold import Outcome, refold
from services.events.projector.telling import Published
from services.events.projector.work import Built, Unfoldable, Work
from services.events.timeline import store as timeline_store
from services.events.timeline.domain import BEGINNING, END
from services.events.timeline.reader import EntryReader

MANY_EVENTS = 4_096
"""A customer with more to fold is not folded among others."""
_MOST_EVENTS_AT_ONCE = 4 * MANY_EVENTS
_FURTHER = 4
"""If nothing stands as before at the checkpoint that was tried, so many times as many are tried next."""


@dataclass(slots=True)
class Folded:
    """What folding some customers on has come to."""

    changes: Changes = field(default_factory=Changes)
    tally: Tally = field(default_factory=Tally)
    unfoldable: dict[bytes, list[Unfoldable]] = field(default_factory=dict)
    """By customer, events that were left out."""
    failed: dict[bytes, str] = field(default_factory=dict)
    """Customers that could not be folded at all, with the class of the error."""
    large: set[bytes] = field(default_factory=set)
    """Customers that were left alone: it showed that they have too much to fold to be folded among others."""
    later: set[bytes] = field(default_factory=set)
    """Customers that were left alone, because the time was up, or too much would have been held."""
    published: list[Published] = field(default_factory=list)
    events: int = 0


_Row = TypeVar("_Row", InstanceRow, StepRow)


class Bench:
    """Works within the snapshot of one transaction of one workspace."""

    def __init__(
        self, connection: AsyncConnection, workspace: str, secret: bytes, models: Models, reader: EntryReader
    ) -> None:
        self._connection = connection
        self._workspace = workspace
        self._secret = secret
        self._models = models
        self._reader = reader
        self.active: list[Build] = []
        self._builds: dict[int, Built] = {}
        self._places: dict[bytes, list[tuple[int, int]]] = {}

    async def open(self) -> None:
        """Reads which builds there are."""
        self.active = await builds.active(self._connection, self._workspace)
        schedules = await self._models.schedules(self._connection, self._workspace, self.active)
        self._builds = {
            one.number: Built(one.number, one.journey, schedules[one.number], one.live) for one in self.active
        }

    # --- what is to be done ------------------------------------------------------------------------------------------

    async def works(
        self, changes: Mapping[bytes, Change | None], listed: Mapping[bytes, Collection[str]]
    ) -> list[Work]:
        """Customers to be folded on, with the part of their history that is another one; None: only time has passed.

        `listed` are their events that could not be folded. Those of a customer that is folded wholly are tried again.
        What has changed of one that could not be folded at all is not known any more, so it is folded wholly.
        """
        changes = {
            customer: _everything(change) if stuck.NO_EVENT in listed.get(customer, ()) else change
            for customer, change in changes.items()
        }
        stored = await standing.stored_customers(self._connection, self._workspace, changes)
        works = [self._work(customer, change, stored.get(customer)) for customer, change in changes.items()]
        for work in works:
            change = changes[work.customer]
            work.whole = change is not None and change.is_everything
            if change is not None:
                work.cause = change.cause
            if not work.whole:
                work.arrived = change.events if change else 0
                work.left_out |= set(listed.get(work.customer, ()))
        late = [work for work in works if (change := changes[work.customer]) and not _is_ahead(work, change)]
        await self._rewind(late, changes)
        await self._find_places(works)
        return works

    async def catch_up(
        self, build: int, customers: Sequence[CustomerRow], listed: Mapping[bytes, Collection[str]]
    ) -> list[Work]:
        """Customers under a build that they have not been folded under, up to what is stored of them."""
        works = [
            Work(row.customer, row, row.last_key, BEGINNING, row.last_key, {build: EMPTY}, clock=row.clock)
            for row in customers
        ]
        for work in works:
            work.left_out |= set(listed.get(work.customer, ()))
        await self._find_places(works)
        return works

    def is_large(self, work: Work) -> bool:
        return len(self._places[work.customer]) > MANY_EVENTS

    def at_once(self, works: list[Work]) -> list[Work]:
        """The first of these that have together no more events to fold than is good for one step."""
        events = 0
        for place, work in enumerate(works):
            events += len(self._places[work.customer])
            if place and events > _MOST_EVENTS_AT_ONCE:
                return works[:place]
        return works

    def _work(self, customer: bytes, change: Change | None, stored: CustomerRow | None) -> Work:
        """Until it is rewound, a work goes on from where everything stands now."""
        if stored is None:
            return Work(customer, None, END, BEGINNING, END, dict.fromkeys(self._builds, EMPTY))
        states = read_states(stored.state)
        if not states:
            return Work(customer, stored, END, BEGINNING, END, dict.fromkeys(self._builds, EMPTY))
        base = {build: state for build, state in states.items() if build in self._builds}
        return Work(customer, stored, change.to_key if change else BEGINNING, stored.last_key, END, base)

    async def _rewind(self, works: Sequence[Work], changes: Mapping[bytes, Change | None]) -> None:
        """Takes works back to the last checkpoint before what changed, or to the beginning."""
        since = {work.customer: change.from_key for work in works if (change := changes[work.customer])}
        before = await standing.checkpoint_before(self._connection, self._workspace, since)
        for work in works:
            work.start, stored = before.get(work.customer, (BEGINNING, b""))
            states = read_states(stored) if stored else {}
            if stored and not work.whole and not work.base.keys() <= states.keys():
                work.start, states = await self._common_checkpoint(work, since[work.customer])
            if work.whole:  # under builds, too, for which it could not be caught up
                work.base = dict.fromkeys(self._builds, EMPTY)
            elif work.base.keys() <= states.keys():
                work.base = {build: states[build] for build in work.base}
            else:
                work.start = BEGINNING
                work.base = dict.fromkeys(work.base, EMPTY)
        await self._reach(works, 1)
        await self._number(works)

    async def _common_checkpoint(self, work: Work, place: bytes) -> tuple[bytes, States]:
        """The last checkpoint before a place that all builds of the work have: a large state has fewer than a small."""
        stretch = Stretch(work.customer, BEGINNING, place)
        noted = await standing.checkpoints_within(self._connection, self._workspace, [stretch])
        for key, stored in sorted(noted.get(work.customer, {}).items(), reverse=True):
            states = read_states(stored)
            if key < place and work.base.keys() <= states.keys():
                return key, states
        return BEGINNING, {}

    async def _reach(self, works: Sequence[Work], checkpoints: int) -> None:
        """Sets where works stop: some checkpoints behind what changed, or the end of the history."""
        until = {work.customer: work.changed_until for work in works if work.changed_until < END}
        stops = await standing.checkpoint_at_or_behind(self._connection, self._workspace, until, checkpoints)
        for work in works:
            work.stop = stops.get(work.customer, END)

    async def _number(self, works: Sequence[Work]) -> None:
        """Checkpoints do not say the numbers of runs: an earlier run that comes to light renumbers all later ones."""
        resumed = [work for work in works if work.start != BEGINNING]
        last = await standing.runs_until(self._connection, self._workspace, _build_stretches(resumed))
        open_runs = await standing.instances_started_by(self._connection, self._workspace, _open_runs(resumed))
        numbers: dict[tuple[bytes, int], dict[str, int]] = defaultdict(dict)
        for row in open_runs:
            numbers[row.customer, row.build][row.start_event] = row.run
        for work in resumed:
            for build, state in work.base.items():
                identity = work.customer, build
                work.base[build] = numbered(state, last.get(identity, 0), numbers[identity])

    # --- what is known of it -----------------------------------------------------------------------------------------

    async def _find_places(self, works: Sequence[Work]) -> None:
        stretches = [Stretch(work.customer, work.start, work.stop) for work in works if work.changed_until]
        for stretch in stretches:
            self._places[stretch.customer] = []
        for customer, seq, slot in await timeline_store.events_within(self._connection, self._workspace, stretches):
            self._places[customer].append((seq, slot))
        for work in works:
            self._places.setdefault(work.customer, [])

    async def _lay_out(self, works: Sequence[Work], *, bounded: bool) -> set[bytes]:
        """Reads the histories between start and stop, in no order yet, and what is stored of them.

        Customers that are left for later, if `bounded`: the events of those before them say so much already.
        """
        read = await self._read_histories(works, bounded=bounded)
        rewound = [work for work in works[:read] if work.rewinds]
        left = {work.customer for work in works[read:]}
        if not rewound:
            return left
        stretches = [Stretch(work.customer, work.start, work.stop) for work in rewound]
        noted = await standing.checkpoints_within(self._connection, self._workspace, stretches)
        by_build = _build_stretches(rewound)
        rows = await standing.instances_within(self._connection, self._workspace, by_build)
        rows += await standing.instances_started_by(self._connection, self._workspace, _open_runs(rewound))
        steps = await standing.steps_within(self._connection, self._workspace, by_build)
        instances_of = _by_customer(rows)
        steps_of = _by_customer(steps)
        for work in rewound:
            work.checkpoints = noted.get(work.customer, {})
            work.instances = instances_of[work.customer]
            work.steps = steps_of[work.customer]
        return left

    async def _read_histories(self, works: Sequence[Work], *, bounded: bool) -> int:
        """Those of the first works; how many. Rows of the log are gone through once, whoever's events they hold."""
        histories = Histories(len(works), MOST_BYTES if bounded else None)
        owners = {place: number for number, work in enumerate(works) for place in self._places[work.customer]}
        await self._reader.visit(self._workspace, owners, lambda place, entry: histories.add(owners[place], entry))
        for work, history in zip(works, histories.entries, strict=False):
            work.entries = history
        return len(histories.entries)

    # --- doing it ----------------------------------------------------------------------------------------------------

    async def fold(self, works: Sequence[Work], now: int, seconds: float | None = None) -> Folded:
        """Folds in a thread, so that leases are renewed however long it takes.

        With so many seconds to spend, whoever is not begun by then is left for later, and so is who comes when much is
        held already; a customer of whose history more and more must be folded is left alone. One customer at least is
        folded or turns out to be such a one.
        """
        folded = Folded()
        deadline = None if seconds is None else time.monotonic() + seconds
        folded.later = await self._lay_out(works, bounded=deadline is not None)
        works = [work for work in works if work.customer not in folded.later]
        checkpoints = 1
        while works:
            works = await asyncio.to_thread(self._fold_some, works, folded, now, deadline)
            await self._look_up_closed_runs(works)
            further = [work for work in works if not any(archive.gave for archive in work.archives.values())]
            if further:
                checkpoints *= _FURTHER
                await self._reach(further, checkpoints)
                await self._find_places(further)
                if deadline is not None:
                    folded.large |= {work.customer for work in further if self.is_large(work)}
                    works = [work for work in works if work.customer not in folded.large]
                    further = [work for work in further if work.customer not in folded.large]
                left = await self._lay_out(further, bounded=deadline is not None)
                works = [work for work in works if work.customer not in left]
                folded.later |= left
        return folded

    def _fold_some(self, works: Sequence[Work], folded: Folded, now: int, deadline: float | None) -> list[Work]:
        """Those that need to know more."""
        unfinished = []
        for place, work in enumerate(works):
            if place and deadline is not None and time.monotonic() > deadline:
                folded.later |= {work.customer for work in works[place:]}
                break
            try:
                work.entries = sorted(work.entries, key=attrgetter("key"))
                outcome = refold(work, self._builds, folded.tally, self._secret, now)
            except Exception as error:
                # One history that cannot be folded must not hold up the others; it is listed and tried again later.
                folded.failed[work.customer] = type(error).__name__
                continue
            if outcome is None:
                unfinished.append(work)
            else:
                _take(folded, work.customer, outcome)
        return unfinished

    async def _look_up_closed_runs(self, works: Sequence[Work]) -> None:
        for work in works:
            for archive in work.archives.values():
                archive.gave = archive.wants
        wanted = [
            (work.customer, build, key)
            for work in works
            for build, archive in work.archives.items()
            for key in archive.wanted_keys
        ]
        by_key: dict[tuple[bytes, int, str | None], list[InstanceRow]] = defaultdict(list)
        for row in await standing.instances_with_keys(self._connection, self._workspace, wanted):
            by_key[row.customer, row.build, row.key].append(row)
        for work in works:
            for build, archive in work.archives.items():
                for key in list(archive.wanted_keys):
                    archive.give_key(key, by_key[work.customer, build, key])
        await self._look_up_resting(works)

    async def _look_up_resting(self, works: Sequence[Work]) -> None:
        by_number: dict[int, list[tuple[bytes, int, ClosedRuns, Wanted]]] = defaultdict(list)
        for work in works:
            for build, archive in work.archives.items():
                if wanted := archive.wanted_portion:
                    by_number[wanted.number].append((work.customer, build, archive, wanted))
        for number, asked in by_number.items():
            places = [(one, build, archive.place) for one, build, archive, wanted in asked if wanted.is_first]
            ended = await standing.instances_ended_behind(self._connection, self._workspace, places)
            moments = [(one, build, wanted.before) for one, build, _archive, wanted in asked]
            resting, first_at = await standing.instances_at_rest(self._connection, self._workspace, moments, number)
            found: dict[tuple[bytes, int], list[InstanceRow]] = defaultdict(list)
            for row in ended + resting:
                found[row.customer, row.build].append(row)
            for one, build, archive, _wanted in asked:
                archive.give_portion(found[one, build], first_at.get((one, build)))


def _take(folded: Folded, customer: bytes, outcome: Outcome) -> None:
    folded.changes.add(outcome.changes)
    if outcome.published:
        folded.published.append(outcome.published)
    folded.events += outcome.events
    if outcome.unfoldable:
        folded.unfoldable[customer] = outcome.unfoldable


def _everything(change: Change | None) -> Change:
    return EVERYTHING if change is None else EVERYTHING._replace(cause=change.cause)


def _is_ahead(work: Work, change: Change) -> bool:
    """Whether everything that changed lies behind all that has been folded."""
    return work.stored is None or change.from_key > work.stored.last_key


def _build_stretches(works: Sequence[Work]) -> list[BuildStretch]:
    return [BuildStretch(work.customer, build, work.start, work.stop) for work in works for build in work.base]


def _open_runs(works: Sequence[Work]) -> list[tuple[bytes, int, bytes]]:
    return [
        (work.customer, build, run.start.key)
        for work in works
        for build, state in work.base.items()
        for run in state.open
    ]


def _by_customer(rows: Iterable[_Row]) -> dict[bytes, list[_Row]]:
    groups: dict[bytes, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.customer].append(row)
    return groups
