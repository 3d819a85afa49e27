"""What is new in what may be told, from one state to a later one. Pure.

Nothing is kept of what was told: what could be told at an earlier place in the log is folded anew and compared. So a
difference does not depend on how often somebody has looked meanwhile, but for corrections of what only those were told
who did look.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.events.disclosure.domain import Story
from services.events.intake.position import Place
from services.events.live.domain import Status
from services.events.live.domain.changes import InstanceChange, Told, between, in_order, told
from services.events.live.past.folding import Past, PastInstance
from services.events.live.queries import InstanceRow
from services.events.timeline.domain import Microseconds
from services.events.timeline.entry import Entry


def new_events(old: Story, new: Story, places: Mapping[int, Place]) -> list[Entry]:
    """In the order of the log. Those of an identifier that was linked since come with the others."""
    told_before = {entry.key for entry in old.entries}
    found = [entry for entry in new.entries if entry.key not in told_before]
    return sorted(found, key=lambda entry: (places[entry.seq], entry.slot))


def changes(old: Past, new: Past) -> list[InstanceChange]:
    """As they are published of everybody's instances, in the order of the history."""
    before = {id: _told(one) for id, one in old.instances.items()}
    now = {id: _told(one) for id, one in new.instances.items()}
    return in_order([placed for id in before | now for placed in between(before.get(id), now.get(id))])


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
