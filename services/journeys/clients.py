"""The events service as this one sees it: are runs open, and has it taken up what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Problem, Unavailable
from infra.chassis.http import Upstream

_AUDIENCE = "events"
_REFRESH_SECONDS = 2.0


class _OpenRuns(msgspec.Struct, rename="camel"):
    open_runs: int


class _Refreshed(msgspec.Struct):
    versions: dict[str, int]


class Events:
    """Calls to events; `upstream` is None where there is no events service, which is the same as one that is away."""

    def __init__(self, upstream: Upstream | None, tokens: ServiceTokens) -> None:
        self._upstream = upstream
        self._tokens = tokens

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

        Best effort, within two seconds: nothing is known, and nothing is raised, when it does not answer.
        """
        if self._upstream is None:
            return {}
        token = self._tokens.mint(_AUDIENCE, workspace)
        try:
            async with asyncio.timeout(_REFRESH_SECONDS):  # an app in this process knows no timeout of its own
                answer = await self._upstream.call("POST", "/internal/models/refresh", token=token)
            return msgspec.convert(answer, _Refreshed).versions
        except (Problem, TimeoutError, msgspec.DecodeError):
            return {}


def _cannot_say() -> Unavailable:
    message = "The events service cannot say whether runs are open under the former instanceKey; try again."
    return Unavailable(message, code="UPSTREAM_UNAVAILABLE")
