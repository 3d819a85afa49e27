"""Publishing: versions that are never lost, each with the evidence that it was made from."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.personas.builders import item, persona
from tests.personas.conftest import House


def told(document: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(document[name] for name in ("version", "revision", "status", "publishedAt", "confidence"))


async def versions(house: House) -> list[tuple[Any, ...]]:
    [documents] = await house.versions("commuter")
    return [told(document) for document in documents]


async def test_a_version_is_the_draft_as_it_was(house: House) -> None:
    saved = (await house.save(persona())).json()["persona"]
    published = (await house.publish()).json()["persona"]
    assert told(published) == (1, 1, "PUBLISHED", "2026-03-01T12:00:00Z", "CUSTOMER_DRAWN")
    changed = {"version", "status", "publishedAt"}
    assert {name: value for name, value in published.items() if name not in changed} == {
        name: value for name, value in saved.items() if name not in changed
    }
    assert await house.read({"key": "commuter"}, {"key": "commuter", "version": 1}) == [published, published]


async def test_each_version_keeps_the_evidence_that_changed_it(house: House) -> None:
    await house.save(persona(goals=[item("Cycle to work")]))
    await house.publish()
    await house.save(persona(goals=[item("Cycle to work", "RESEARCH")]))
    house.now = "2026-03-09T08:30:00Z"
    await house.publish()
    await house.save(persona(name="Better", goals=[item("Cycle to work", "RESEARCH", "CUSTOMER_DRAWN"), item("Rest")]))
    assert await versions(house) == [
        (None, 3, "DRAFT", None, "ASSUMPTION"),
        (2, 2, "PUBLISHED", "2026-03-09T08:30:00Z", "RESEARCH"),
        (1, 1, "RETIRED", "2026-03-01T12:00:00Z", "ASSUMPTION"),
    ]
    moments = [
        (document["effectiveFrom"], document["effectiveUntil"])
        for document in await house.read({"key": "commuter", "version": 1}, {"key": "commuter", "version": 2})
    ]
    assert moments == [(None, "2026-03-09T08:30:00Z"), ("2026-03-09T08:30:00Z", None)]


async def test_publishing_is_pending_until_events_has_that_version(house: House) -> None:
    await house.save(persona())
    house.events.versions = {"commuter": 1, "other": 9}
    assert (await house.publish()).json()["pending"] is False
    assert (await house.publish()).json()["pending"] is True
    house.events.away = True
    answer = await house.publish()
    assert (answer.status_code, answer.json()["persona"]["version"], answer.json()["pending"]) == (200, 3, True)
    assert house.events.asked == ["POST /internal/personas/refresh"] * 3


async def test_there_is_nothing_to_publish_without_a_draft(house: House) -> None:
    for key in ("unknown", "%00", "Not a key"):
        answer = await house.publish(key)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert house.events.asked == []


async def test_of_many_who_publish_at_once_nobody_loses_a_version(house: House) -> None:
    await house.save(persona())
    answers = await asyncio.gather(*(house.publish() for _ in range(8)))
    won = sorted(answer.json()["persona"]["version"] for answer in answers if answer.status_code == 200)
    lost = [answer.json()["code"] for answer in answers if answer.status_code != 200]
    assert won == list(range(1, len(won) + 1))
    assert lost == ["CONFLICT"] * (8 - len(won))
    assert [version for version, *_ in await versions(house)] == [None, *reversed(won)]
