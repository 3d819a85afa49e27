"""Reading: by key and number, by page, and everything published with its tag."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.builders import journey
from tests.journeys.conftest import House


async def publish(house: House, key: str, workspace: str = "default") -> Any:
    await house.save(journey(key), workspace)
    return (await house.publish(key, workspace=workspace)).json()["journey"]


async def keys(house: House, query: str = "") -> tuple[list[str], bool, int]:
    page = (await house.call("GET", f"/internal/journeys{query}")).json()
    return [document["key"] for document in page["items"]], page["hasNextPage"], page["totalCount"]


async def test_journeys_are_read_in_the_order_asked_with_null_for_what_is_not_there(house: House) -> None:
    order = await publish(house, "order")
    claim = (await house.save(journey("claim"))).json()["journey"]
    asked: list[dict[str, Any]] = [
        {"key": "nothing"},
        {"key": "\u0000"},
        {"key": "Not a key", "draft": True},
        {"key": "claim"},
        {"key": "claim", "version": 1},
        {"key": "order", "version": None, "draft": False},
        {"key": "order", "version": 2},
        {"key": "order", "version": 1},
        {"key": "order"},
    ]
    assert await house.read(*asked) == [None, None, None, claim, None, order, None, order, order]
    assert await house.read() == []


async def test_at_most_a_hundred_journeys_are_read_at_once(house: House) -> None:
    items = [{"key": "order"}] * 101
    assert (await house.call("POST", "/internal/journeys/read", {"items": items[:100]})).status_code == 200
    assert (await house.call("POST", "/internal/journeys/read", {"items": items})).status_code == 422


async def test_pages_go_by_key_and_count_everything(house: House) -> None:
    for key in ("c", "a-b", "a", "a.b", "b", "a_b"):
        await house.save(journey(key))
    for key in ("b", "a"):
        await house.publish(key)
    ordered = ["a", "a-b", "a.b", "a_b", "b", "c"]
    assert await keys(house) == (ordered, False, 6)
    assert await keys(house, "?first=2") == (ordered[:2], True, 6)
    assert await keys(house, "?first=2&after=a-b") == (ordered[2:4], True, 6)
    assert await keys(house, "?first=2&after=a_b") == (ordered[4:], False, 6)
    assert await keys(house, "?status=PUBLISHED") == (["a", "b"], False, 2)
    assert await keys(house, "?status=DRAFT&first=3") == (["a-b", "a.b", "a_b"], True, 4)
    assert await keys(house, "?status=RETIRED") == ([], False, 0)


async def test_a_page_shows_the_published_version_else_the_draft(house: House) -> None:
    first = await publish(house, "a")
    await house.save(journey("a", name="newer"))
    draft = (await house.save(journey("b"))).json()["journey"]
    assert (await house.call("GET", "/internal/journeys")).json()["items"] == [first, draft]


@pytest.mark.parametrize("query", ["first=0", "first=101", "first=x", "status=LOST", "after=%00"])
async def test_a_page_that_cannot_be_is_refused(house: House, query: str) -> None:
    answer = await house.call("GET", f"/internal/journeys?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, [query.partition("=")[0]])


async def test_everything_published_comes_in_the_order_of_publishing(house: House) -> None:
    for key, now in (("b", "12:00"), ("a", "12:00"), ("c", "11:00"), ("b", "13:00")):
        house.now = f"2026-03-01T{now}:00Z"
        await publish(house, key)
    await house.save(journey("draft-only"))
    documents = (await house.call("GET", "/internal/published")).json()["journeys"]
    assert [(document["key"], document["version"], document["status"]) for document in documents] == [
        ("c", 1, "PUBLISHED"),
        ("a", 1, "PUBLISHED"),
        ("b", 1, "RETIRED"),
        ("b", 2, "PUBLISHED"),
    ]


async def test_a_known_tag_is_answered_with_304_until_something_is_published(house: House) -> None:
    async def published(tag: str = "") -> tuple[int, str]:
        answer = await house.call("GET", "/internal/published", headers={"If-None-Match": tag} if tag else {})
        assert (answer.status_code == 304) == (answer.content == b"")
        return answer.status_code, answer.headers["etag"]

    _, empty = await published()
    assert await published(empty) == (304, empty)
    await publish(house, "order")
    status, first = await published(empty)
    assert (status, first != empty) == (200, True)
    assert await published(f'"other", W/{first}') == (304, first)
    await house.save(journey(name="a draft is not published"))
    assert await published(first) == (304, first)
    await house.publish()
    status, second = await published(first)
    assert (status, second not in (first, empty)) == (200, True)


async def test_histories_of_many_come_in_the_order_asked_newest_first(house: House) -> None:
    for key in ("claim", "order"):
        await publish(house, key)
    await publish(house, "order")
    await house.save(journey("drafted"))
    found = await house.versions("order", "nothing", "drafted", "not a key", "claim", "order")
    shown = [[(one["key"], one["version"]) for one in documents] for documents in found]
    orders = [("order", None), ("order", 2), ("order", 1)]
    assert shown == [orders, [], [("drafted", None)], [], [("claim", None), ("claim", 1)], orders]
    assert await house.versions() == []
    refused = await house.call("POST", "/internal/journeys/versions", {"keys": ["order"] * 101})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, ["keys"])


async def test_workspaces_see_nothing_of_each_other(house: House) -> None:
    await publish(house, "order", workspace="bikes")
    await house.save(journey(), workspace="boats")
    assert await house.read({"key": "order"}) == [None]
    assert await keys(house) == ([], False, 0)
    assert (await house.call("GET", "/internal/published")).json() == {"journeys": []}
    assert await house.versions("order") == [[]]
    assert (await house.publish()).status_code == 404
    [of_boats] = await house.read({"key": "order"}, workspace="boats")
    assert of_boats["status"] == "DRAFT"
    answer = await house.call("GET", "/internal/workspaces-published", workspace="*")
    assert answer.json() == {"workspaces": ["bikes"]}
