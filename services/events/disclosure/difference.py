"""What is new in what may be told, from one state to a later one. Pure.

Nothing is kept of what was told: what could be told at an earlier place in the log is folded anew and compared. So a
difference does not depend on how often somebody has looked meanwhile, but for corrections of what only those were told
who did look.
"""

from __future__ import annotations

from services.events.disclosure.domain import Story
from services.events.live.domain.changes import InstanceChange, Told, between, in_order, told
from services.events.live.past.folding import Past, PastInstance
from services.events.live.queries import InstanceRow
from services.events.timeline.entry import Entry


def new_events(old: Story, new: Story) -> list[Entry]:
    """In the order in which they occurred: those of an identifier that has been linked since come with the others."""
    told_before = {entry.key for entry in old.entries}
    return [entry for entry in new.entries if entry.key not in told_before]


def changes(old: Past, new: Past) -> list[InstanceChange]:
    """As they are published of everybody's instances, in the order of the history."""
    before = {id: _told(one) for id, one in old.instances.items()}
    now = {id: _told(one) for id, one in new.instances.items()}
    return in_order(
        [placed for id in before.keys() | now.keys() for placed in between(before.get(id), now.get(id))]
    )


def successor(id: bytes, old: Past, new: Past) -> InstanceRow | None:
    """The instance of that id; of one that is gone, the one on the same journey that took its first event."""
    if id in new.instances:
        return new.instances[id].row
    gone = old.instances[id].row
    of_journey = [one for one in new.instances.values() if one.row.journey == gone.journey]
    return next((one.row for one in of_journey if any(step.key == gone.start_key for step in one.steps)), None)


def _told(instance: PastInstance) -> Told:
    return told(instance.row, None, instance.steps)
