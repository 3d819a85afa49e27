"""Calls from pages of other origins: what browsers are told, and which pages may send."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from services.events.log_tables import sources
from tests.events.intake.calls import track
from tests.events.intake.door import Door, problem

SHOP, OTHER = "https://www.shop.example", "https://elsewhere.example"
GOOD = {"userId": "u", "event": "Seen"}
RETRY_HEADERS = "authorization,content-type,rsa-retry-attempt,x-retry-count"


def lets_read(answer: httpx.Response, origin: str) -> bool:
    names = ("Origin", "Credentials")
    expected = (origin, "true", "Retry-After, Klantreis-Position, X-Request-Id", "Origin")
    found = tuple(answer.headers.get(f"Access-Control-Allow-{name}") for name in names)
    return (*found, answer.headers.get("Access-Control-Expose-Headers"), answer.headers.get("Vary")) == expected


async def change(door: Door, source: str, **values: Any) -> None:
    async with door.database.write() as connection:
        await connection.execute(update(sources).where(sources.c.key == source).values(values))


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/t", "POST"),
        ("/v1/batch/", "POST"),
        ("/beacon/v1/batch", "POST"),
        ("/v1/m", "POST"),
        ("/sourceConfig/", "GET"),
        ("/v1/projects/wk_any/settings", "GET"),
    ],
)
async def test_a_preflight_is_told_yes_to_all_it_asks(door: Door, path: str, method: str) -> None:
    headers = {
        "Origin": OTHER,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": RETRY_HEADERS,
    }
    answer = await door.client.options(path, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {name: value for name, value in answer.headers.items() if name != "content-length"} == {
        "allow": f"{method}, OPTIONS",
        "access-control-allow-origin": OTHER,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": method,
        "access-control-allow-headers": RETRY_HEADERS,
        "access-control-expose-headers": "Retry-After, Klantreis-Position, X-Request-Id",
        "access-control-max-age": "7200",
        "vary": "Access-Control-Request-Headers, Origin",
    }


async def test_options_without_an_origin(door: Door) -> None:
    answer = await door.client.options("/v1/t")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_pages_may_read_answers_and_refusals(door: Door) -> None:
    origin = {"Origin": OTHER}
    answers = {
        200: await door.send("/v1/t", GOOD, headers=origin),
        400: await door.send("/v1/t", b"{", headers=origin),
        401: await door.send("/v1/t", GOOD, auth=("wk_unknown", ""), headers=origin),
        405: await door.client.get("/v1/t", headers=origin),
        413: await door.send("/v1/b", {"batch": [track()] * 2_501}, headers=origin),
        415: await door.send("/v1/t", GOOD, headers=origin | {"Content-Encoding": "br"}),
    }
    async with door.database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE log RENAME TO gone")
    answers[503] = await door.send("/v1/t", GOOD, headers=origin)
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert [status for status, answer in answers.items() if not lets_read(answer, OTHER)] == []


async def test_calls_of_no_page_are_told_nothing_of_it(door: Door) -> None:
    answer = await door.send("/v1/t", GOOD)
    assert [name for name in answer.headers if name.startswith("access-control") or name == "vary"] == []


async def test_our_own_routes_are_not_for_pages(door: Door) -> None:
    for method in ("OPTIONS", "POST"):
        answer = await door.client.request(method, "/internal/events", headers={"Origin": OTHER})
        assert answer.status_code == (405 if method == "OPTIONS" else 401)
        assert "Access-Control-Allow-Origin" not in answer.headers


class TestOrigins:
    async def test_a_source_that_lists_none_takes_public_keys_from_everywhere(self, door: Door) -> None:
        for origin in (SHOP, OTHER, "null"):
            answer = await door.send("/v1/t", GOOD, headers={"Origin": origin})
            assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "null"

    async def test_a_source_that_lists_some_takes_nothing_from_others(self, door: Door) -> None:
        await change(door, "website", origins=f'["{SHOP}"]')
        refused = await door.send("/v1/t", GOOD | {"writeKey": "?"}, headers={"Origin": OTHER})
        assert problem(refused) == (403, "ORIGIN_NOT_ALLOWED")
        assert OTHER in refused.json()["message"]
        assert lets_read(refused, OTHER)
        in_body = GOOD | {"writeKey": door.keys.write_key}
        assert problem(await door.send("/v1/t", in_body, auth=None, headers={"Origin": "null"}))[0] == 403
        assert await door.is_empty()
        assert (await door.send("/v1/t", GOOD, headers={"Origin": SHOP})).status_code == 200
        assert (await door.send("/v1/t", GOOD)).status_code == 200  # of no page

    async def test_secret_keys_are_not_for_pages(self, door: Door) -> None:
        secret = (door.keys.admin_key, "")
        refused = await door.send("/v1/t", GOOD, auth=secret, headers={"Origin": SHOP})
        assert problem(refused) == (403, "ORIGIN_NOT_ALLOWED")
        assert await door.is_empty()

    async def test_unless_their_source_lists_the_origin(self, door: Door) -> None:
        await change(door, "api", origins=f'["{SHOP}"]')
        answer = await door.send("/v1/t", GOOD, auth=(door.keys.admin_key, ""), headers={"Origin": SHOP})
        assert answer.status_code == 200


async def test_a_paused_source_takes_nothing(door: Door) -> None:
    await change(door, "website", paused=True)
    named = {"name": "Seen", "identifiers": [{"type": "user_id", "value": "u"}]}
    for answer in (
        await door.send("/v1/t", GOOD),
        await door.send("/v1/batch", {"batch": []}),
        await door.record("website", [named]),
    ):
        assert problem(answer) == (403, "SOURCE_PAUSED")
    assert await door.is_empty()
    assert (await door.record("api", [named])).status_code == 200
