"""The personas service: who we think our customers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gateway.clients.answers import Document, Page, read, read_each
from gateway.clients.models import Evidence, Listed, ModelKey, listing, segment
from gateway.vocabulary import ModelStatus, Rung
from infra.chassis.upstream import Upstream

NAME = "personas"
ITEM_LISTS = ("goals", "drives", "challenges", "responsibilities", "pains", "delights", "situations")


class PersonaItem(Document):
    lists = ("evidence",)

    text: str
    evidence: list[Evidence] | None = None
    rung: Rung = Rung.ASSUMPTION


class ChannelPreference(Document):
    channel: str
    weight: float


class Persona(Document):
    lists = (*ITEM_LISTS, "media_preferences", "evidence")

    key: str
    name: str
    revision: int
    status: ModelStatus
    confidence: Rung
    version: int | None = None
    narrative: str | None = None
    portrait: str | None = None
    goals: list[PersonaItem] | None = None
    real_goal: PersonaItem | None = None
    drives: list[PersonaItem] | None = None
    challenges: list[PersonaItem] | None = None
    responsibilities: list[PersonaItem] | None = None
    pains: list[PersonaItem] | None = None
    delights: list[PersonaItem] | None = None
    situations: list[PersonaItem] | None = None
    media_preferences: list[ChannelPreference] | None = None
    matches: str | None = None
    evidence: list[Evidence] | None = None


class _Saved(Document):
    persona: Persona


class Published(Document):
    persona: Persona
    pending: bool


class PersonasClient:
    """Calls on behalf of one workspace. Every method raises the service's Problem, or Unavailable."""

    audience: ClassVar[str] = NAME

    def __init__(self, upstream: Upstream, token: str) -> None:
        self._upstream = upstream
        self._token = token

    async def save(self, key: str, draft: dict[str, Any]) -> Persona:
        answer = await self._call("PUT", f"/internal/personas/{segment(key)}/draft", draft)
        return read(answer, _Saved, NAME).persona

    async def publish(self, key: str) -> Published:
        return read(await self._call("POST", f"/internal/personas/{segment(key)}/publish"), Published, NAME)

    async def read(self, keys: Sequence[ModelKey]) -> list[Persona | None]:
        answer = await self._call("POST", "/internal/personas/read", {"items": [key._asdict() for key in keys]})
        return read_each(answer, "personas", Persona, NAME, keys)

    async def versions(self, keys: Sequence[str]) -> list[list[Persona] | None]:
        """Of each persona the draft and all versions, newest first."""
        answer = await self._call("POST", "/internal/personas/versions", {"keys": keys})
        return read_each(answer, "versions", list[Persona], NAME, keys)

    async def page(self, first: int, after: str | None, status: ModelStatus | None) -> Page[Persona]:
        """By key. Raises BadRequest (BAD_CURSOR)."""
        query = listing(first, after, status)
        answer = await self._upstream.call("GET", "/internal/personas", token=self._token, query=query)
        return read(answer, Listed[Persona], NAME).page(after)

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return await self._upstream.call(method, path, token=self._token, body=body)
