"""Brings published journeys into the log: models travel to the data.

The log is the truth, so a version counts from the moment its control entry stands there; everything later is a
projection of it. Pulling twice is harmless: the projector takes a version once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from infra.chassis.errors import Problem, Unavailable
from services.events.clients import JourneysClient
from services.events.intake.slots import Published, Slot
from services.events.live.domain import compile_version

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0


class Appender(Protocol):
    """Puts slots into the log; they are on disk when it returns."""

    async def submit(self, workspace: str, slots: list[Slot]) -> object: ...


class ModelPuller:
    """Pulls what journeys has published and this process has not logged yet."""

    def __init__(self, journeys: JourneysClient, known: Mapping[str, Mapping[str, int]], appender: Appender) -> None:
        self._journeys = journeys
        self._appender = appender
        self._etags: dict[str, str] = {}
        self._logged: dict[str, dict[str, int]] = {workspace: dict(newest) for workspace, newest in known.items()}
        self._turn = asyncio.Lock()

    async def refresh(self, workspace: str) -> dict[str, int]:
        """Pulls now. The newest logged version of each journey. Raises Unavailable when journeys is away."""
        async with self._turn:
            logged = self._logged.setdefault(workspace, {})
            answer = await self._journeys.published(workspace, self._etags.get(workspace))
            if answer is not None:
                new = [
                    document for document in answer.documents if document["version"] > logged.get(document["key"], 0)
                ]
                slots: list[Slot] = [slot for document in new if (slot := _slot_of(document))]
                if slots:
                    await self._appender.submit(workspace, slots)
                for document in new:
                    logged[document["key"]] = max(document["version"], logged.get(document["key"], 0))
                self._etags[workspace] = answer.etag
            return dict(logged)

    async def run(self, workspaces: list[str]) -> None:
        """Pulls now and then until cancelled: the safety net under change notices that were lost."""
        while True:
            for workspace in workspaces:
                try:
                    await self.refresh(workspace)
                except Unavailable:
                    _log.debug("journeys is away; the versions on disk go on")
                except Problem as problem:
                    _log.warning("published journeys cannot be pulled", extra={"code": problem.code})
            await asyncio.sleep(_EVERY_SECONDS)


def _slot_of(document: Mapping[str, Any]) -> Published | None:
    """Authoring has checked the document; one that does not compile here would stop every fold, so it stays out."""
    try:
        compile_version(document)
    except (ValueError, KeyError, TypeError):
        _log.exception("a published journey cannot be used", extra={"journey": str(document.get("key"))})
        return None
    return Published(document["key"], document["version"], msgspec.json.encode(document))
