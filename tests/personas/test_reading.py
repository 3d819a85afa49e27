"""Reading: by key and number, by page, and everything published with its tag."""

from __future__ import annotations

from typing import Any

import pytest

from tests.personas.builders import persona
from tests.personas.conftest import House


async def publish(house: House, key: str, workspace: str = "default") -> Any:
    await house.save(persona(key), workspace)
    return (await house.publish(key, workspace=workspace)).json()["persona"]


async def test_personas_are_read_in_the_order_asked_with_null_for_what_is_not_there(house: House) -> None:
    commuter = await publish(house, "commuter")
    family = (await house.save(persona("family"))).json()["persona"]
    asked: list[dict[str, Any]] = [
        {"key": "nobody"},
        {"key": "\u0000"},
        {"key": "family"},
        {"key": "family", "version": 1},
        {"key": "commuter", "version": 2},
        {"key": "commuter", "version": 1},
        {"key": "commuter"},
    ]
    assert await house.read(*asked) == [None, None, family, None, None, commuter, commuter]


async def test_pages_go_by_key_and_show_the_published_version_else_the_draft(house: House) -> None:
    for key in ("c", "a-b", "a", "b"):
        await house.save(persona(key))
    published = await publish(house, "b")
    await house.save(persona("b", name="newer"))

    async def keys(query: str = "") -> tuple[list[str], bool, int]:
        page = (await house.call("GET", f"/internal/personas{query}")).json()
        return [document["key"] for document in page["items"]], page["hasNextPage"], page["totalCount"]

    assert await keys() == (["a", "a-b", "b", "c"], False, 4)
    assert await keys("?first=2&after=a") == (["a-b", "b"], True, 4)
    assert await keys("?status=PUBLISHED") == (["b"], False, 1)
    assert await keys("?status=DRAFT&first=2") == (["a", "a-b"], True, 3)
    assert await keys("?status=RETIRED") == ([], False, 0)
    assert (await house.call("GET", "/internal/personas?status=PUBLISHED")).json()["items"] == [published]


@pytest.mark.parametrize("query", ["first=0", "first=101", "status=LOST", "after=%00"])
async def test_a_page_that_cannot_be_is_refused(house: House, query: str) -> None:
    answer = await house.call("GET", f"/internal/personas?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, [query.partition("=")[0]])


async def test_a_known_tag_is_answered_with_304_until_something_is_published(house: House) -> None:
    async def published(tag: str = "") -> tuple[int, str, list[tuple[str, int]]]:
        answer = await house.call("GET", "/internal/published", headers={"If-None-Match": tag} if tag else {})
        documents = answer.json()["personas"] if answer.content else []
        return answer.status_code, answer.headers["etag"], [(one["key"], one["version"]) for one in documents]

    _, empty, _ = await published()
    await publish(house, "family")
    status, first, documents = await published(empty)
    assert (status, documents) == (200, [("family", 1)])
    await house.save(persona("family", name="a draft is not published"))
    assert await published(first) == (304, first, [])
    await publish(house, "commuter")
    status, second, documents = await published(first)
    assert (status, second != first, sorted(documents)) == (200, True, [("commuter", 1), ("family", 1)])


async def test_workspaces_see_nothing_of_each_other(house: House) -> None:
    await publish(house, "commuter", workspace="bikes")
    await house.save(persona(), workspace="boats")
    assert await house.read({"key": "commuter"}) == [None]
    assert (await house.call("GET", "/internal/personas")).json()["totalCount"] == 0
    assert (await house.call("GET", "/internal/published")).json() == {"personas": []}
    assert await house.versions("commuter") == [[]]
    assert (await house.publish()).status_code == 404
    [of_boats] = await house.read({"key": "commuter"}, workspace="boats")
    assert of_boats["status"] == "DRAFT"
    answer = await house.call("GET", "/internal/workspaces-published", workspace="*")
    assert answer.json() == {"workspaces": ["bikes"]}
