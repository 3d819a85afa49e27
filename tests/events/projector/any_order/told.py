"""What a reality was told, so that another one can be told the same and project it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.events.intake.slots import Published, PublishedPersona, Slot
from tests.events.projector.any_order.tables import contents
from tests.support.reality import Reality
from tests.support.recording import recorded

Json = dict[str, Any]


class Told:
    def __init__(self, reality: Reality) -> None:
        self._reality = reality
        self._rows: list[tuple[int, Sequence[Slot]]] = []

    async def tell(self, slots: Sequence[Slot]) -> int:
        """Logs a row now; its `seq`."""
        self._rows.append((self._reality.now, slots))
        return (await self._reality.append(slots)).seq

    async def events(self, *events: Json) -> int:
        return await self.tell([recorded(event) for event in events])

    async def versions(self, *journeys: Json) -> int:
        return await self.tell(
            [Published(journey["key"], journey["version"], msgspec.json.encode(journey)) for journey in journeys]
        )

    async def personas(self, *personas: Json) -> int:
        return await self.tell(
            [PublishedPersona(one["key"], one["version"], msgspec.json.encode(one)) for one in personas]
        )

    async def replayed(self, database_url: str) -> dict[str, list[Json]]:
        """The tables of another reality that logs the same at the same times and projects it at the end, at once."""
        async with Reality(database_url) as other:
            for now, slots in self._rows:
                other.now = now
                await other.append(slots)
            other.now = self._reality.now
            await other.project()
            return await contents(other)
