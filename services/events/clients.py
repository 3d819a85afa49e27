"""The services that events calls: journeys, for its published models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Unavailable
from infra.chassis.upstream import Upstream


class PublishedModels(NamedTuple):
    etag: str
    documents: Sequence[Mapping[str, Any]]


class JourneysClient:
    def __init__(self, upstream: Upstream | None, tokens: ServiceTokens) -> None:
        self._upstream = upstream
        self._tokens = tokens

    async def published(self, workspace: str, etag: str | None) -> PublishedModels | None:
        """Every published version of every journey, or None when nothing changed since `etag`.

        Raises Unavailable when journeys does not answer.
        """
        if self._upstream is None:
            raise Unavailable("No journeys service is known; set KLANTREIS_JOURNEYS_URL.")
        token = self._tokens.mint("journeys", workspace)
        answer = await self._upstream.fetch("/internal/published", token=token, etag=etag)
        return None if answer is None else PublishedModels(answer.etag, answer.body["journeys"])
