"""Brings what is published, journeys and personas, into the log: models travel to the data.

The log is the truth, so a version counts from the moment its control entry stands there; everything later is a
projection of it. Pulling twice is harmless: the projector takes a version once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from infra.chassis.errors import Unavailable
from infra.rules import RuleError
from services.events.clients import PublisherClient
from services.events.intake.slots import Published, PublishedPersona, Slot
from services.events.live.domain import compile_version
from services.events.models.queries import Models
from services.events.personas.domain import compile_persona
from services.events.personas.queries import PublishedPersonas

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0


class Appender(Protocol):
    """Puts slots of about `size` bytes into the log; they are on disk when it returns."""

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> object: ...


class Kind(NamedTuple):
    """What is peculiar to models of one kind."""

    compile: Callable[[Mapping[str, Any]], object]
    """Raises if a document cannot be used."""
    slot: Callable[[str, int, bytes], Slot]
    """Of a key, a version and its document."""
    logged: Callable[[str], Awaitable[Mapping[str, int]]]
    """The newest version of each model of a workspace that the projector has taken from the log."""


def journeys_of(models: Models) -> Kind:
    async def logged(workspace: str) -> Mapping[str, int]:
        held = await models.journeys(workspace)
        return {key: max(journey.documents) for key, journey in held.items()}

    return Kind(compile_version, Published, logged)


def personas_of(personas: PublishedPersonas) -> Kind:
    return Kind(compile_persona, PublishedPersona, personas.logged)


class ModelPuller:
    """Pulls what one service has published and is not in the log yet."""

    def __init__(self, publisher: PublisherClient, kind: Kind, appender: Appender) -> None:
        self._publisher = publisher
        self._kind = kind
        self._appender = appender
        self._etags: dict[str, str] = {}
        self._logged: dict[str, dict[str, int]] = {}
        self._unusable: set[tuple[str, str, int]] = set()
        self._turn = asyncio.Lock()

    async def refresh(self, workspace: str) -> dict[str, int]:
        """Pulls now. The newest logged version of each model. Raises Unavailable when the service is away."""
        async with self._turn:
            logged = self._logged.get(workspace)
            if logged is None:
                logged = self._logged[workspace] = dict(await self._kind.logged(workspace))
            answer = await self._publisher.published(workspace, self._etags.get(workspace))
            if answer is not None:
                new = [one for one in answer.documents if one["version"] > logged.get(one["key"], 0)]
                usable = [one for one in new if self._is_usable(workspace, one)]
                slots = [(one, msgspec.json.encode(one)) for one in usable]
                if slots:
                    await self._appender.submit(
                        workspace,
                        [self._kind.slot(one["key"], one["version"], document) for one, document in slots],
                        sum(len(document) for _one, document in slots),
                    )
                for one in usable:
                    logged[one["key"]] = max(one["version"], logged.get(one["key"], 0))
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
        details = {"service": self._publisher.name, "workspace": workspace}
        try:
            await self.refresh(workspace)
        except Unavailable:
            _log.debug("models cannot be pulled now; the versions on disk go on", extra=details)
        except Exception:
            _log.exception("published models cannot be pulled", extra=details)

    def _is_usable(self, workspace: str, document: Mapping[str, Any]) -> bool:
        """Authoring has checked the document; one that does not compile would stop the projector, so it stays out."""
        identity = (workspace, str(document["key"]), int(document["version"]))
        if identity in self._unusable:
            return False
        try:
            self._kind.compile(document)
        except (RuleError, ValueError, KeyError, TypeError):
            details = {"service": self._publisher.name, "model": identity[1], "version": identity[2]}
            _log.exception("a published model cannot be used", extra=details)
            self._unusable.add(identity)
            return False
        return True
