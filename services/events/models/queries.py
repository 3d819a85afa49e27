"""The published journeys as the events service holds them: a snapshot that keeps working when journeys is away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.live.domain import JourneyVersion, Schedule, compile_version
from services.events.models import builds
from services.events.models.builds import Build
from services.events.tables import models


class Journey:
    """All published versions of one journey: their documents, and the schedule that visible instances follow."""

    def __init__(self, schedule: Schedule, documents: Mapping[int, Mapping[str, Any]]) -> None:
        self.key = schedule.journey_key
        self.documents = documents
        self.schedule = schedule
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


class _Version(NamedTuple):
    document: Mapping[str, Any]
    compiled: JourneyVersion


class Models:
    """The journeys of each workspace. A version never changes, so it is read and compiled once."""

    def __init__(self, state: Database) -> None:
        self._state = state
        self._versions: dict[tuple[str, str, int], _Version] = {}
        self._schedules: dict[tuple[str, str, tuple[int, ...]], Schedule] = {}
        self._journeys: dict[str, tuple[list[Build], dict[str, Journey]]] = {}

    async def journeys(self, workspace: str) -> Mapping[str, Journey]:
        """By key. One cheap query when nothing changed."""
        async with self._state.read() as connection:
            current = await builds.active(connection, workspace)
            held_builds, held = self._journeys.get(workspace, ([], {}))
            if held_builds == current:
                return held
            schedules = await self.schedules(connection, workspace, current)
        documents: dict[str, dict[int, Mapping[str, Any]]] = {}
        for build in current:  # a version that no live build has yet is in the one that is being made
            of_journey = documents.setdefault(build.journey, {})
            of_journey |= {
                number: self._versions[workspace, build.journey, number].document for number in build.versions
            }
        journeys = {
            build.journey: Journey(schedules[build.number], documents[build.journey]) for build in current if build.live
        }
        self._journeys[workspace] = (current, journeys)
        return journeys

    async def schedules(
        self, connection: AsyncConnection, workspace: str, builds: Sequence[Build]
    ) -> dict[int, Schedule]:
        """The schedule of each build, by its number; of builds with the same versions it is the same object."""
        await self._load(connection, workspace, builds)
        return {build.number: self._schedule(workspace, build) for build in builds}

    def _schedule(self, workspace: str, build: Build) -> Schedule:
        identity = (workspace, build.journey, build.versions)
        schedule = self._schedules.get(identity)
        if schedule is None:
            versions = [self._versions[workspace, build.journey, number].compiled for number in build.versions]
            schedule = self._schedules[identity] = Schedule(build.journey, versions)
        return schedule

    async def _load(self, connection: AsyncConnection, workspace: str, builds: Iterable[Build]) -> None:
        """Reads and compiles the versions that are seen for the first time."""
        wanted = {(build.journey, number) for build in builds for number in build.versions}
        missing = {one for one in wanted if (workspace, *one) not in self._versions}
        if not missing:
            return
        query = select(models.c.journey, models.c.version, models.c.document).where(
            models.c.workspace == workspace, models.c.journey.in_({journey for journey, _number in missing})
        )
        for row in await connection.execute(query):
            if (row.journey, row.version) in missing:
                document = msgspec.json.decode(row.document)
                self._versions[workspace, row.journey, row.version] = _Version(document, compile_version(document))
