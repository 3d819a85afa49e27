"""The events service as this one sees it: are runs open, and has it taken up what was published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Problem, Unavailable
from infra.chassis.upstream import Upstream

_log = logging.getLogger(__name__)
_AUDIENCE = "events"


class _OpenRuns(msgspec.Struct, rename="camel"):
    open_runs: int


class _Refreshed(msgspec.Struct):
    versions: dict[str, int]


class Events:
    """Calls to events; `upstream` is None where there is no events service, which is the same as one that is away.

    `refresh_within`: seconds that publishing waits for events to take a version up.
    """

    def __init__(self, upstream: Upstream | None, tokens: ServiceTokens, *, refresh_within: float = 2.0) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._refresh_within = refresh_within

    async def open_runs(self, workspace: str, key: str, instance_key: str | None) -> int:
        """How many runs of a journey are open whose version reads another instance key.

        Raises Unavailable (UPSTREAM_UNAVAILABLE) when events does not say.
        """
        if self._upstream is None:
            raise _cannot_say()
        try:
            answer = await self._upstream.call(
                "GET",
                f"/internal/journeys/{key}/open-runs",
                token=self._tokens.mint(_AUDIENCE, workspace),
                query={"instanceKeyOtherThan": instance_key or ""},
            )
            return msgspec.convert(answer, _OpenRuns).open_runs
        except (Problem, msgspec.DecodeError) as error:
            raise _cannot_say() from error

    async def refresh(self, workspace: str) -> Mapping[str, int]:
        """Asks events to fetch what was published; the newest version it now has of each journey.

        Best effort: nothing is known, and nothing is raised, when it does not answer in time.
        """
        if self._upstream is None:
            return {}
        token = self._tokens.mint(_AUDIENCE, workspace)
        try:
            async with asyncio.timeout(self._refresh_within):  # an app in this process knows no timeout of its own
                answer = await self._upstream.call("POST", "/internal/models/refresh", token=token)
            return msgspec.convert(answer, _Refreshed).versions
        except (Problem, TimeoutError, msgspec.DecodeError) as error:
            _log.warning("events did not acknowledge a published version", extra={"cause": type(error).__name__})
            return {}


def _cannot_say() -> Unavailable:
    message = "The events service cannot say whether runs are open under the former instanceKey; try again."
    return Unavailable(message, code="UPSTREAM_UNAVAILABLE")
