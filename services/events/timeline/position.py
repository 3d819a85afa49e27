"""Where an event stands in the feed of events."""

from __future__ import annotations

from typing import ClassVar

from services.events.feeds.position import FeedPlace
from services.events.intake.position import Place

_WHOLE_ROW = (1 << 32) - 1


class EventPlace(FeedPlace):
    """The place of its row in the log, and its slot."""

    __slots__ = ()
    tag: ClassVar[bytes] = b"e"

    @classmethod
    def behind(cls, row: Place) -> EventPlace:
        return cls(*row, _WHOLE_ROW)

    @property
    def rows_before(self) -> Place:
        """The place in the log behind which the rest of its row is read, or what follows if there is none."""
        return Place(self.xid, self.seq if self.number == _WHOLE_ROW else self.seq - 1)
