"""Faults that somebody might make in the projector, each as small as it could happen."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    module: str
    text: str
    """Stands in the module exactly once, so that a mutant cannot rot unseen;"""
    instead: str
    """and this in its place."""
    script: str = "everything"
    """Which sort of script finds it; see trial."""


PLANTED = [
    Mutant(
        "ties are left as they came",
        "services/events/projector/bench.py",
        'work.entries = sorted(work.entries, key=attrgetter("key"))',
        'work.entries = sorted(work.entries, key=attrgetter("occurred_at"))',
    ),
    Mutant(
        "ties are not decided by sequence",
        "services/events/timeline/domain.py",
        "has_none, (sequence or 0) + _SIGN, _KIND_RANK[kind])",
        "has_none, _SIGN, _KIND_RANK[kind])",
    ),
    Mutant(
        "ties are not decided by kind",
        "services/events/timeline/domain.py",
        "(sequence or 0) + _SIGN, _KIND_RANK[kind])",
        "(sequence or 0) + _SIGN, 0)",
    ),
    Mutant(
        "traits in the order of arrival",
        "services/events/live/traits.py",
        "if held is None or (held[1], held[0]) < (key, value):",
        "if held is None or held != (value, key):",
        "stragglers",
    ),
    Mutant(
        "an instance is replaced and not subtracted",
        "services/events/projector/difference.py",
        "            self.standing.append((old, -1))",
        "            self.standing.append((old, 0))",
    ),
    Mutant(
        "an instance is gone and not subtracted",
        "services/events/projector/difference.py",
        "        self.standing.append((row, -1))",
        "        self.standing.append((row, 0))",
    ),
    Mutant(
        "steps are replaced and not subtracted",
        "services/events/projector/difference.py",
        "self.walked.append((row, self._walked_from(build, row), steps, -1))",
        "self.walked.append((row, self._walked_from(build, row), steps, 0))",
    ),
    Mutant(
        "steps are subtracted without what preceded them",
        "services/events/projector/difference.py",
        "self.walked.append((row, self._walked_from(build, row), steps, -1))",
        "self.walked.append((row, BEFORE_START, steps, -1))",
    ),
    Mutant(
        "steps of another version are counted as before",
        "services/events/projector/difference.py",
        "    return (row.version, row.channel,",
        "    return (0, row.channel,",
    ),
    Mutant(
        "counters of a build that was replaced are kept",
        "services/events/models/builds.py",
        "deleted = (await connection.execute(delete(counters).where(tuple_(*cells).in_(some)))).rowcount",
        "deleted = len((await connection.execute(some.limit(0))).all())",
    ),
    Mutant(
        "silence ends one event too late",
        "services/events/live/domain/runs.py",
        "while self._deadlines and self._deadlines[0][0] <= until:",
        "while self._deadlines and self._deadlines[0][0] < until:",
    ),
    Mutant(
        "a run is abandoned with its last event",
        "services/events/live/domain/run.py",
        "self._end(Status.ABANDONED, self.deadline)",
        "self._end(Status.ABANDONED, self.last_event_at)",
    ),
    Mutant(
        "nobody looks when a deadline has just come",
        "services/events/projector/fold.py",
        "customers.c.due_at <= now)",
        "customers.c.due_at < now)",
    ),
    Mutant(
        "the clock went back and nobody is told",
        "services/events/projector/fold.py",
        "update(customers).where(*ahead).values(due_at=now)",
        "update(customers).where(*ahead).values(clock=now)",
    ),
    Mutant(
        "the next deadline is lost",
        "services/events/projector/difference.py",
        "self._due_at = first if self._due_at is None else min(self._due_at, first)",
        "self._due_at = first if self._due_at is None else max(self._due_at, first)",
    ),
    Mutant(
        "who lost an identifier is not marked",
        "services/events/identity/ledger.py",
        "        self._moved[member.customer] = BEGINNING\n",
        "",
    ),
    Mutant(
        "who was given an identifier is marked from its last event on",
        "services/events/identity/ledger.py",
        "min(self._moved.get(customer, member.first_key), member.first_key)",
        "max(self._moved.get(customer, member.first_key), member.first_key)",
    ),
    Mutant(
        "of two marks the later place is forgotten",
        "services/events/projector/dirty.py",
        "max(self.to_key, other.to_key),",
        "self.to_key,",
        "stragglers",
    ),
    Mutant(
        "of two marks the earlier place is forgotten",
        "services/events/projector/dirty.py",
        "min(self.from_key, other.from_key),",
        "other.from_key,",
        "stragglers",
    ),
    Mutant(
        "what a version changes is not marked",
        "services/events/projector/dirty.py",
        "customers_table.c.last_seen_at >= since)",
        "customers_table.c.last_seen_at < since)",
    ),
    Mutant(
        "states count as alike whatever runs are open",
        "services/events/live/domain/state.py",
        "started=0, open=tuple(run._replace(number=0) for run in state.open))",
        "started=0, open=())",
        "stragglers",
    ),
    Mutant(
        "states count as alike whatever runs have ended",
        "services/events/live/domain/state.py",
        "return state._replace(started=0, open=tuple(",
        "return state._replace(started=0, resting=0, open=tuple(",
        "stragglers",
    ),
    Mutant(
        "a late event and an alike checkpoint within what changed",
        "services/events/projector/walk.py",
        "if stored is None or key < work.changed_until or",
        "if stored is None or",
        "stragglers",
    ),
    Mutant(
        "the last event before a checkpoint is not folded",
        "services/events/timeline/store.py",
        "timeline.c.key <= profiles.c.stop",
        "timeline.c.key < profiles.c.stop",
    ),
    Mutant(
        "resumed behind what changed",
        "services/events/projector/bench.py",
        "since = {work.customer: change.from_key for",
        "since = {work.customer: change.to_key for",
    ),
    Mutant(
        "later runs keep their numbers",
        "services/events/projector/difference.py",
        "            self.changes.renumbered.append(",
        "            self.changes.renumbered.count(",
        "stragglers",
    ),
    Mutant(
        "a run at rest that an event ends later counts as ended",
        "services/events/projector/closed_runs.py",
        "if row.end_key is not None and row.end_key <= self.place:",
        "if row.end_key is not None:",
        "stragglers",
    ),
    Mutant(
        "runs that began later are known before",
        "services/events/projector/closed_runs.py",
        "return row.start_key <= self.place and row.start_event not in self._open",
        "return row.start_event not in self._open",
        "stragglers",
    ),
    Mutant(
        "a link keeps the event that was heard of first",
        "services/events/identity/ledger.py",
        "if pair not in known or link.key < known[pair].key:",
        "if pair not in known:",
    ),
    Mutant(
        "an identifier keeps the event that was heard of first",
        "services/events/identity/ledger.py",
        "        if key < member.first_key:",
        "        if key < member.first_key and profile in self._new:",
    ),
    Mutant(
        "a customer who came while a build was made is left out",
        "services/events/projector/catching_up.py",
        "if behind.build not in read_states(row.state)]",
        "if not read_states(row.state)]",
    ),
    Mutant(
        "abandoned when it was noticed",
        "services/events/live/domain/run.py",
        "status, ended_at, drop_off = Status.ABANDONED, self.deadline, self._drop_off_at(self.deadline)",
        "status, ended_at, drop_off = Status.ABANDONED, clock, self._drop_off_at(clock)",
    ),
    Mutant(
        "who was given an identifier is marked from the link on",
        "services/events/identity/ledger.py",
        "        self._moved[customer] = min(self._moved.get(customer, member.first_key), member.first_key)",
        '        self._moved.setdefault(customer, b"\\xff")',
    ),
    Mutant(
        "a repeat with other content is not kept",
        "services/events/projector/taking_in.py",
        "if original is not None and not same_content(",
        "if original is None and not same_content(",
    ),
    Mutant(
        "the step at a checkpoint belongs to what follows",
        "services/events/live/store/standing.py",
        "steps.c.key > asked.c.start",
        "steps.c.key >= asked.c.start",
        "stragglers",
    ),
    Mutant(
        "one refold of several is skipped",
        "services/events/projector/bench.py",
        "self._fold_some, works, folded, now, deadline)",
        "self._fold_some, works[:9], folded, now, deadline)",
    ),
    Mutant(
        "a fold that must know more is given up",
        "services/events/projector/bench.py",
        "                unfinished.append(work)",
        "                unfinished.count(work)",
    ),
    Mutant(
        "late events are folded as if they came in order",
        "services/events/projector/bench.py",
        "if (change := changes[work.customer]) and not _is_ahead(work, change)]",
        "if (change := changes[work.customer]) and change.events == 0]",
    ),
]
