"""What the next step of a run is compared with: where the run was last, and how it came there."""

from __future__ import annotations

from typing import NamedTuple

from services.events.timeline.domain import Microseconds


class Trail(NamedTuple):
    """What is known behind some step of a run."""

    touchpoint: str | None  # key of the last step that is not off the map, and its time
    at: Microseconds
    channel: str | None  # the last that a step told, off-map ones included; None: none has told
    device: str | None
    source: str | None

    def after(
        self, touchpoint: str | None, at: Microseconds, channel: str | None, device: str | None, source: str | None
    ) -> Trail:
        """What is known behind one step more; `touchpoint` is None for an off-map step."""
        if touchpoint is None:
            touchpoint, at = self.touchpoint, self.at
        return Trail(
            touchpoint,
            at,
            self.channel if channel is None else channel,
            self.device if device is None else device,
            self.source if source is None else source,
        )


BEFORE_START = Trail(None, 0, None, None, None)
