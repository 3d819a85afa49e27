"""The event at hand as one journey version sees it."""

from __future__ import annotations

from services.events.live.domain.model import JourneyVersion
from services.events.live.domain.recognise import Recognition
from services.events.timeline.domain import Event


class Reading:
    """What one version makes of the event at hand, made once and shared by all runs of that version."""

    __slots__ = ("key", "recognition", "version")

    def __init__(self, version: JourneyVersion) -> None:
        self.version = version
        self.recognition: Recognition
        self.key: str | None = None

    def recognise(self, event: Event) -> bool:
        """Turn to the next event; whether it belongs to the journey."""
        self.recognition = self.version.recogniser.recognise(event)
        return self.recognition.belongs

    def read_key(self, event: Event) -> None:
        """Read its key as well, which is worth the time only if some version recognises the event."""
        if self.version.key_of is not None:
            self.key = self.version.key_of(event)
