"""The event at hand as one journey version sees it."""

from __future__ import annotations

from services.events.live.domain.model import JourneyVersion
from services.events.live.domain.recognise import Recognition
from services.events.timeline.domain import Event


class Reading:
    """What one version makes of the event at hand, made once and shared by all runs of that version."""

    __slots__ = ("_recognise", "key", "key_of", "recognition", "version")

    def __init__(self, version: JourneyVersion) -> None:
        self.version = version
        self._recognise = version.recogniser.recognise
        self.recognition: Recognition
        self.key_of = version.key_of  # asked only if some version recognises the event: it takes its time
        self.key: str | None = None

    def recognise(self, event: Event) -> bool:
        """Turn to the next event; whether it belongs to the journey. Its key is not read yet."""
        self.recognition = recognition = self._recognise(event)
        return recognition.belongs
