"""Pulling what is published into the log: once, and not what cannot be used."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Unavailable
from infra.chassis.upstream import Answer, Call, Upstream
from services.events.clients import PublisherClient
from services.events.intake.slots import Published, PublishedPersona, Slot
from services.events.live.domain import compile_version
from services.events.models.pull import Kind, ModelPuller
from services.events.personas.domain import compile_persona

Json = dict[str, Any]
TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
JOURNEY = {
    "key": "shop",
    "version": 1,
    "phases": [{"key": "look", "touchpoints": [{"key": "viewed", "recognisedBy": 'name == "View"'}]}],
}


def persona(version: int, matches: str | None = 'seen("View", "P1D")') -> Json:
    return {"key": "visitor", "version": version, "matches": matches}


class Service:
    """A publishing service, and the log that takes what is pulled."""

    def __init__(self, name: str, logged: Mapping[str, int] = {}) -> None:
        self.documents: list[Json] = []
        self.away = False
        self.asked: list[str | None] = []
        self.log: list[list[Slot]] = []
        self._name = name

        async def held(_workspace: str) -> Mapping[str, int]:
            return logged

        kinds = {
            "journeys": Kind(compile_version, Published, held),
            "personas": Kind(compile_persona, PublishedPersona, held),
        }
        self.puller = ModelPuller(PublisherClient(name, Upstream(name, self), TOKENS), kinds[name], self)

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int) -> None:
        assert workspace == "acme"
        assert size == sum(len(slot.document) for slot in slots if isinstance(slot, Published | PublishedPersona))
        self.log.append(list(slots))

    async def ask(self, call: Call) -> Answer:
        if self.away:
            raise ConnectionRefusedError
        token = call.headers["Authorization"].removeprefix("Bearer ")
        assert (call.path, TOKENS.verify(token, self._name)) == ("/internal/published", "acme")
        self.asked.append(call.headers.get("If-None-Match"))
        tag = f'"{len(self.documents)}"'
        if self.asked[-1] == tag:
            return Answer(304, b"", tag)
        return Answer(200, msgspec.json.encode({self._name: self.documents}), tag)

    async def close(self) -> None:
        """Nothing was opened."""


async def test_each_version_comes_into_the_log_once() -> None:
    service = Service("personas")
    service.documents = [persona(1)]
    assert await service.puller.refresh("acme") == {"visitor": 1}
    assert await service.puller.refresh("acme") == {"visitor": 1}
    service.documents.append(persona(2, None))
    assert await service.puller.refresh("acme") == {"visitor": 2}
    assert service.log == [
        [PublishedPersona("visitor", 1, msgspec.json.encode(persona(1)))],
        [PublishedPersona("visitor", 2, msgspec.json.encode(persona(2, None)))],
    ]
    assert service.asked == [None, '"1"', '"1"']


async def test_what_was_taken_from_the_log_is_not_logged_again() -> None:
    service = Service("journeys", {"shop": 1})
    service.documents = [JOURNEY, JOURNEY | {"version": 2}]
    assert await service.puller.refresh("acme") == {"shop": 2}
    assert service.log == [[Published("shop", 2, msgspec.json.encode(JOURNEY | {"version": 2}))]]


@pytest.mark.parametrize(
    ("name", "broken", "right"),
    [
        ("personas", persona(1, "nobody"), persona(2)),
        ("personas", {"key": "visitor", "version": 1}, persona(2)),
        ("journeys", JOURNEY | {"patience": "soon"}, JOURNEY | {"version": 2}),
        ("journeys", JOURNEY | {"goal": "name =="}, JOURNEY | {"version": 2}),
    ],
)
async def test_a_version_that_does_not_compile_stays_out_and_is_logged_once(
    name: str, broken: Json, right: Json, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    service = Service(name)
    service.documents = [broken]
    assert await service.puller.refresh("acme") == {}
    service.documents.append(right)
    assert await service.puller.refresh("acme") == {right["key"]: 2}
    assert [len(slots) for slots in service.log] == [1]
    [record] = [one for one in caplog.records if one.message == "a published model cannot be used"]
    assert (record.__dict__["service"], record.__dict__["model"], record.__dict__["version"]) == (name, right["key"], 1)


async def test_while_the_service_is_away_nothing_is_known_to_be_new() -> None:
    service = Service("personas")
    service.documents = [persona(1)]
    service.away = True
    with pytest.raises(Unavailable):
        await service.puller.refresh("acme")
    service.away = False
    assert await service.puller.refresh("acme") == {"visitor": 1}


async def test_without_a_service_it_says_what_to_set() -> None:
    with pytest.raises(Unavailable, match="KLANTREIS_PERSONAS_URL"):
        await PublisherClient("personas", None, TOKENS).published("acme", None)
