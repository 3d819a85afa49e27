"""Brings published journeys into the log: models travel to the data.

The log is the truth, so a version counts from the moment its control entry stands there; everything later is a
projection of it. Pulling twice is harmless: the projector takes a version once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from infra.chassis.errors import Unavailable
from services.events.clients import JourneysClient
from services.events.intake.slots import Published, Slot
from services.events.live.domain import compile_version
from services.events.models.queries import Models

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0


class Appender(Protocol):
    """Puts slots of about `size` bytes into the log; they are on disk when it returns."""

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> object: ...


class ModelPuller:
    """Pulls what journeys has published and is not in the log yet."""

    def __init__(self, journeys: JourneysClient, models: Models, appender: Appender) -> None:
        self._journeys = journeys
        self._models = models
        self._appender = appender
        self._etags: dict[str, str] = {}
        self._logged: dict[str, dict[str, int]] = {}
        self._unusable: set[tuple[str, str, int]] = set()
        self._turn = asyncio.Lock()

    async def refresh(self, workspace: str) -> dict[str, int]:
        """Pulls now. The newest logged version of each journey. Raises Unavailable when journeys is away."""
        async with self._turn:
            logged = self._logged.get(workspace)
            if logged is None:
                held = await self._models.journeys(workspace)
                logged = self._logged[workspace] = {key: max(journey.documents) for key, journey in held.items()}
            answer = await self._journeys.published(workspace, self._etags.get(workspace))
            if answer is not None:
                new = [each for each in answer.documents if each["version"] > logged.get(each["key"], 0)]
                slots = [slot for document in new if (slot := self._slot_of(workspace, document))]
                if slots:
                    await self._appender.submit(workspace, slots, sum(len(slot.document) for slot in slots))
                for slot in slots:
                    logged[slot.journey] = max(slot.version, logged.get(slot.journey, 0))
                self._etags[workspace] = answer.etag
            return dict(logged)

    async def run(self, workspaces: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Pulls now and then until cancelled: the safety net under change notices that were lost."""
        while True:
            with contextlib.suppress(Unavailable):
                for workspace in await workspaces():
                    await self._refresh_quietly(workspace)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _refresh_quietly(self, workspace: str) -> None:
        """What goes wrong for one workspace is no reason to leave out the others."""
        try:
            await self.refresh(workspace)
        except Unavailable:
            _log.debug("journeys is away; the versions on disk go on", extra={"workspace": workspace})
        except Exception:
            _log.exception("published journeys cannot be pulled", extra={"workspace": workspace})

    def _slot_of(self, workspace: str, document: Mapping[str, Any]) -> Published | None:
        """Authoring has checked the document; one that does not compile would stop every fold, so it stays out."""
        identity = (workspace, str(document["key"]), int(document["version"]))
        if identity in self._unusable:
            return None
        try:
            compile_version(document)
        except (ValueError, KeyError, TypeError):
            _log.exception("a published journey cannot be used", extra={"journey": identity[1], "version": identity[2]})
            self._unusable.add(identity)
            return None
        return Published(identity[1], identity[2], msgspec.json.encode(document))
