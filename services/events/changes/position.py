"""Where a published change stands."""

from __future__ import annotations

from typing import ClassVar

from services.events.feeds.position import FeedPlace


class ChangePlace(FeedPlace):
    """Of one change: the place of its row in the record, and its number among the changes of the row."""

    __slots__ = ()
    tag: ClassVar[bytes] = b"c"


START = ChangePlace(0, 0, 0)
"""Before everything: no row stands there."""
