"""Whether a projector is at work: its heart beats with every renewal of its leases."""

from __future__ import annotations

import time

from infra.chassis.errors import Unavailable

_SILENCE_SECONDS = 5.0


class Pulse:
    """Felt from any thread."""

    def __init__(self) -> None:
        self._beat_at = float("-inf")

    def beat(self) -> None:
        self._beat_at = time.monotonic()

    async def probe(self) -> None:
        """Raises Unavailable after five seconds of silence, and before the first beat."""
        if time.monotonic() - self._beat_at > _SILENCE_SECONDS:
            raise Unavailable("The projector does not renew its leases.")
