"""The published journeys as the events service holds them: a snapshot that keeps working when journeys is away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import func, select

from infra.chassis.database import Database
from services.events.live.domain import Schedule, compile_version
from services.events.tables import models


class Journey:
    """All published versions of one journey: their documents, and the schedule that the fold follows."""

    def __init__(self, key: str, documents: Mapping[int, Mapping[str, Any]]) -> None:
        self.key = key
        self.documents = documents
        self.schedule = Schedule(key, [compile_version(documents[number]) for number in sorted(documents)])
        self._phases = {
            (number, phase["key"]): phase for number, document in documents.items() for phase in document["phases"]
        }
        self._touchpoints = {
            (number, touchpoint["key"]): touchpoint
            for number, document in documents.items()
            for phase in document["phases"]
            for touchpoint in phase["touchpoints"]
        }

    def phase(self, version: int, key: str | None) -> Mapping[str, Any] | None:
        """A phase as its version published it."""
        return self._phases.get((version, key)) if key is not None else None

    def touchpoint(self, version: int, key: str | None) -> Mapping[str, Any] | None:
        return self._touchpoints.get((version, key)) if key is not None else None


class Models:
    """The journeys of each workspace, compiled once and again when a version was added."""

    def __init__(self, state: Database) -> None:
        self._state = state
        self._held: dict[str, tuple[tuple[int, int], dict[str, Journey]]] = {}

    async def journeys(self, workspace: str) -> Mapping[str, Journey]:
        """By key. One cheap query when nothing changed."""
        async with self._state.read() as connection:
            mark = select(func.count(), func.coalesce(func.max(models.c.seq), 0)).where(models.c.workspace == workspace)
            count, last = (await connection.execute(mark)).one()
            held_mark, held = self._held.get(workspace, ((0, 0), {}))
            if held_mark == (count, last):
                return held
            query = select(models.c.journey, models.c.version, models.c.document).where(models.c.workspace == workspace)
            documents: dict[str, dict[int, Mapping[str, Any]]] = {}
            for row in await connection.execute(query):
                documents.setdefault(row.journey, {})[row.version] = msgspec.json.decode(row.document)
        journeys = {key: Journey(key, versions) for key, versions in documents.items()}
        self._held[workspace] = ((count, last), journeys)
        return journeys
