"""What is new in what may be told, from one state to a later one. Pure.

Nothing is kept of what was told: what could be told at an earlier place in the log is folded anew and compared. So a
difference does not depend on how often somebody has looked meanwhile, but for corrections of what only those were told
who did look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.events.disclosure.domain import Story
from services.events.intake.position import Place
from services.events.live.domain import Status
from services.events.live.domain.changes import SILENCE, InstanceChange, Told, between, in_order, is_imported, told
from services.events.live.past.folding import Past, PastInstance
from services.events.live.queries import InstanceRow
from services.events.timeline.domain import Microseconds
from services.events.timeline.entry import Entry


def new_events(old: Story, new: Story, places: Mapping[int, Place]) -> list[Entry]:
    """In the order of the log. Those of an identifier that was linked since come with the others; imports do not."""
    found = [entry for entry in fresh(old, new) if not entry.recorded.imported]
    return sorted(found, key=lambda entry: (places[entry.seq], entry.slot))


def fresh(old: Story, new: Story) -> list[Entry]:
    """Imported ones too."""
    told_before = {entry.key for entry in old.entries}
    return [entry for entry in new.entries if entry.key not in told_before]


def changes(old: Past, new: Past, by: Sequence[Entry]) -> list[InstanceChange]:
    """As they are published of everybody's instances, in the order of the history; `by` are the events that are new.

    What imported history begins or changes is left out, and if nothing else came, all but the deadlines of instances
    that were there before.
    """
    before = {id: _told(one) for id, one in old.instances.items()}
    now = {id: _told(one) for id, one in new.instances.items()}
    imported = {entry.key for entry in by if entry.recorded.imported}
    placed = [
        one
        for id in before | now
        for one in between(before.get(id), now.get(id))
        if not is_imported(one, now[id].last if id in now else b"", imported)
    ]
    if imported and len(imported) == len(by):
        placed = [one for one in placed if one[1] == SILENCE and one[-1].instance in before and not one[-1].correction]
    return in_order(placed)


def is_silent(old: Story, new: Story, now: Past, since: Microseconds) -> bool:
    """Whether nothing was published since that moment: neither an event nor silence, as `new` means it now."""
    left = [one.row.ended_at for one in now.instances.values() if one.row.status == Status.ABANDONED]
    return len(old.entries) == len(new.entries) and all(at is not None and at < since for at in left)


def successor(id: bytes, old: Past, new: Past) -> InstanceRow | None:
    """The instance of that id; of one that is gone, the one on the same journey that took its first event."""
    if id in new.instances:
        return new.instances[id].row
    gone = old.instances[id].row
    of_journey = [one for one in new.instances.values() if one.row.journey == gone.journey]
    return next((one.row for one in of_journey if any(step.key == gone.start_key for step in one.steps)), None)


def _told(instance: PastInstance) -> Told:
    return told(instance.row, None, instance.steps)
