"""Saying that something was published to the service that pulls it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Problem
from infra.chassis.upstream import Upstream

_log = logging.getLogger(__name__)


class _Refreshed(msgspec.Struct):
    versions: dict[str, int]


class ChangeNotice:
    """`upstream` is the service that pulls; None where there is none, which is the same as one that is away.

    `path` is called by POST, and answers `{"versions": {key: newest version}}`. `within`: seconds that publishing waits
    for the service to take a version up.
    """

    def __init__(self, upstream: Upstream | None, tokens: ServiceTokens, path: str, *, within: float = 2.0) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._path = path
        self._within = within

    async def give(self, workspace: str) -> Mapping[str, int]:
        """Asks for what was published to be fetched; the newest version that is now there of each document.

        Best effort: nothing is known, and nothing is raised, when there is no answer in time. Nothing is lost then
        either, for what was published is pulled now and then in any case.
        """
        if self._upstream is None:
            return {}
        token = self._tokens.mint(self._upstream.name, workspace)
        try:
            async with asyncio.timeout(self._within):  # an app in this process knows no timeout of its own
                answer = await self._upstream.call("POST", self._path, token=token)
            return msgspec.convert(answer, _Refreshed).versions
        except (Problem, TimeoutError, msgspec.DecodeError) as error:
            _log.warning("a published version was not acknowledged", extra={"cause": type(error).__name__})
            return {}
