"""Folding one customer on, from a place of the history where it is known how everything stood.

In order, that place is the last event; for a late event it is the checkpoint before, and folding goes on until a later
checkpoint says that everything stands as before again. Either way the outcome is what differs from what is stored.
Nothing here reads or writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.events.insights.domain import Tally
from services.events.live.store.writing import Changes
from services.events.projector.difference import Difference
from services.events.projector.telling import Published
from services.events.projector.walk import Failed, Walk
from services.events.projector.work import Built, Unfoldable, Work
from services.events.timeline.domain import END

_MOST_UNFOLDABLE = 20
"""Events of one customer that are left out one by one; with more the customer is left alone as a whole."""


@dataclass(slots=True)
class Outcome:
    changes: Changes
    published: Published
    unfoldable: list[Unfoldable]
    events: int
    """How many events were folded."""


def refold(work: Work, builds: Mapping[int, Built], tally: Tally, secret: bytes, now: int) -> Outcome | None:
    """What is another now; None if more must be known: closed runs (see `Work.archives`), or the history behind `stop`.

    What the outcome changes in the counters is added to `tally`. Raises whatever the fold raises for a customer with
    too many events that cannot be folded.
    """
    while True:
        try:
            walk = Walk(work, builds)
            break
        except Failed as failed:
            work.unfoldable.append(failed.unfoldable)
            work.left_out.add(failed.unfoldable.event)
            if len(work.unfoldable) > _MOST_UNFOLDABLE:
                raise (failed.__cause__ or failed) from None
    if any(archive.wants for archive in work.archives.values()):
        return None
    if walk.alike_behind is None and work.stop != END and not work.is_catching_up:
        return None
    difference = Difference(work, builds, walk, secret, now)
    for row, sign in difference.standing:
        tally.instance(row, sign)
    for row, before, steps, sign in difference.walked:
        tally.steps(row, before, steps, sign)
    return Outcome(difference.changes, difference.published, work.unfoldable, walk.events)
