"""Publishing: versions that are never lost, in force from a stated moment, made known to events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.journeys.builders import journey, phase, touchpoint
from tests.journeys.conftest import House

REFRESH = "POST /internal/models/refresh"


def moments(document: dict[str, Any]) -> tuple[Any, ...]:
    names = ("version", "revision", "status", "effectiveFrom", "effectiveUntil", "publishedAt")
    return tuple(document[name] for name in names)


async def test_the_first_version_is_in_force_always(house: House) -> None:
    saved = (await house.save(journey())).json()["journey"]
    house.events.versions = {"order": 1}
    answer = await house.publish()
    assert answer.status_code == 200
    document = answer.json()["journey"]
    assert answer.json() == {"journey": document, "pending": False}
    assert moments(document) == (1, 1, "PUBLISHED", None, None, "2026-03-01T12:00:00Z")
    changed = {"version", "status", "publishedAt"}
    assert {name: value for name, value in document.items() if name not in changed} == {
        name: value for name, value in saved.items() if name not in changed
    }
    assert await house.read({"key": "order"}, {"key": "order", "version": 1}) == [document, document]


async def test_the_draft_stays_readable_beside_the_version(house: House) -> None:
    await house.save(journey())
    await house.publish()
    draft = (await house.save(journey(name="Better", baseRevision=1))).json()["journey"]
    published, beside = await house.read({"key": "order"}, {"key": "order", "draft": True})
    assert beside == draft
    assert (published["name"], published["revision"], published["status"]) == ("Order a bicycle", 1, "PUBLISHED")
    assert (draft["name"], draft["revision"], draft["status"], draft["version"]) == ("Better", 2, "DRAFT", None)


async def test_a_later_version_retires_the_one_before_from_the_moment_it_is_published(house: House) -> None:
    await house.save(journey())
    await house.publish()
    await house.save(journey(name="Better"))
    house.now = "2026-03-09T08:30:00.250001Z"
    await house.publish()
    [versions] = await house.versions("order")
    assert [moments(document) for document in versions] == [
        (None, 2, "DRAFT", None, None, None),
        (2, 2, "PUBLISHED", "2026-03-09T08:30:00.250001Z", None, "2026-03-09T08:30:00.250001Z"),
        (1, 1, "RETIRED", None, "2026-03-09T08:30:00.250001Z", "2026-03-01T12:00:00Z"),
    ]


async def test_versions_that_take_effect_earlier_hide_what_lies_after(house: House) -> None:
    await house.save(journey())
    await house.publish()
    house.now = "2026-03-09T00:00:00Z"
    await house.publish()
    house.now = "2026-03-10T00:00:00Z"
    await house.publish(effective_from="2026-03-05T01:00:00+01:00")
    hidden = "2026-03-09T00:00:00Z"
    reads = [{"key": "order", "version": number} for number in (1, 2, 3)]
    assert [moments(document)[2:5] for document in await house.read(*reads)] == [
        ("RETIRED", None, "2026-03-05T00:00:00Z"),
        ("RETIRED", hidden, hidden),
        ("PUBLISHED", "2026-03-05T00:00:00Z", None),
    ]
    await house.publish(effective_from="0001-01-01T00:00:00Z")
    never = "0001-01-01T00:00:00Z"
    assert [moments(document)[2:5] for document in await house.read(*reads, {"key": "order"})] == [
        ("RETIRED", None, never),
        ("RETIRED", hidden, hidden),
        ("RETIRED", "2026-03-05T00:00:00Z", "2026-03-05T00:00:00Z"),
        ("PUBLISHED", None, None),
    ]


@pytest.mark.parametrize(
    ("draft", "effective_from", "code"),
    [
        (journey(goal=None), None, "GOAL_REQUIRED"),
        (journey(phases=[phase("look")]), None, "TOUCHPOINT_REQUIRED"),
        (journey(), "2026-03-01T12:00:00.000001Z", "EFFECTIVE_FROM_IN_FUTURE"),
    ],
)
async def test_what_cannot_be_published_changes_nothing(
    house: House, draft: dict[str, Any], effective_from: str | None, code: str
) -> None:
    await house.save(draft)
    answer = await house.publish(effective_from=effective_from)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [error["code"] for error in answer.json()["errors"]] == [code]
    [[document]] = await house.versions("order")
    assert document["status"] == "DRAFT"
    assert house.events.asked == []


async def test_there_is_nothing_to_publish_without_a_draft(house: House) -> None:
    for key in ("unknown", "%00", "Not a key"):
        answer = await house.publish(key)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("moment", ["yesterday", "0001-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z", 0])
async def test_a_moment_that_is_none_is_refused(house: House, moment: Any) -> None:
    await house.save(journey())
    answer = await house.publish(effective_from=moment)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, ["effectiveFrom"])


async def test_another_instance_key_is_refused_while_runs_are_open(house: House) -> None:
    await house.save(journey(instanceKey="properties.order"))
    await house.publish()
    await house.save(journey(instanceKey="properties.order id"))
    house.events.asked.clear()
    house.events.open_runs = 3
    answer = await house.publish()
    assert (answer.status_code, answer.json()["code"]) == (422, "INSTANCE_KEY_CHANGED")
    assert answer.json()["errors"][0]["path"] == ["instanceKey"]
    asked = "GET /internal/journeys/order/open-runs?instanceKeyOtherThan=properties.order+id"
    assert house.events.asked == [asked]
    house.events.open_runs = 0
    assert (await house.publish()).json()["journey"]["version"] == 2
    assert house.events.asked == [asked, asked, REFRESH]


async def test_another_instance_key_may_take_effect_always(house: House) -> None:
    await house.save(journey(instanceKey="properties.order"))
    await house.publish()
    await house.save(journey())
    house.events.asked.clear()
    house.events.open_runs = 3
    assert (await house.publish(effective_from="0001-01-01T00:00:00Z")).json()["journey"]["version"] == 2
    assert house.events.asked == [REFRESH]


async def test_while_events_is_away_publishing_is_pending_and_another_key_must_wait(house: House) -> None:
    house.events.away = True
    await house.save(journey())
    answer = await house.publish()
    assert (answer.status_code, answer.json()["pending"]) == (200, True)
    await house.save(journey(instanceKey="properties.order"))
    answer = await house.publish()
    assert (answer.status_code, answer.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert [document["version"] for document in await house.read({"key": "order"})] == [1]


async def test_publishing_is_pending_until_events_has_that_version(house: House) -> None:
    await house.save(journey())
    house.events.versions = {"order": 1, "other": 9}
    assert (await house.publish()).json()["pending"] is False
    assert (await house.publish()).json()["pending"] is True
    assert house.events.asked == [REFRESH, REFRESH]


async def test_of_many_who_publish_at_once_nobody_loses_a_version(house: House) -> None:
    await house.save(journey(phases=[phase("look", touchpoint("viewed"))]))
    answers = await asyncio.gather(*(house.publish() for _ in range(8)))
    won = sorted(answer.json()["journey"]["version"] for answer in answers if answer.status_code == 200)
    lost = [answer.json()["code"] for answer in answers if answer.status_code != 200]
    assert won == list(range(1, len(won) + 1))
    assert lost == ["CONFLICT"] * (8 - len(won))
    [documents] = await house.versions("order")
    assert [document["version"] for document in documents] == [None, *reversed(won)]
