"""The events service as this one sees it: are runs open."""

from __future__ import annotations

import msgspec

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Problem, Unavailable
from infra.chassis.upstream import Upstream

_AUDIENCE = "events"


class _OpenRuns(msgspec.Struct, rename="camel"):
    open_runs: int


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


def _cannot_say() -> Unavailable:
    message = "The events service cannot say whether runs are open under the former instanceKey; try again."
    return Unavailable(message, code="UPSTREAM_UNAVAILABLE")
