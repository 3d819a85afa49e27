"""The services that events calls: those that publish models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Unavailable
from infra.chassis.upstream import Upstream


class PublishedModels(NamedTuple):
    etag: str
    documents: Sequence[Mapping[str, Any]]


class PublisherClient:
    """A service that publishes models, `name`, under which its answers hold them: journeys or personas."""

    def __init__(self, name: str, upstream: Upstream | None, tokens: ServiceTokens) -> None:
        self.name = name
        self._upstream = upstream
        self._tokens = tokens

    async def published(self, workspace: str, etag: str | None) -> PublishedModels | None:
        """Every published version of every model, or None when nothing changed since `etag`.

        Raises Unavailable when the service does not answer.
        """
        if self._upstream is None:
            raise Unavailable(f"No {self.name} service is known; set KLANTREIS_{self.name.upper()}_URL.")
        token = self._tokens.mint(self.name, workspace)
        answer = await self._upstream.fetch("/internal/published", token=token, etag=etag)
        return None if answer is None else PublishedModels(answer.etag, answer.body[self.name])
