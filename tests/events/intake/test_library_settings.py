"""What libraries in browsers ask for before they send."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import update
from starlette.requests import Request

from infra.chassis.settings import PublicUrl
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.intake.library_settings import LibrarySettings
from services.events.log_tables import sources
from tests.events.intake.calls import NOW
from tests.events.intake.door import Door, problem


@pytest.mark.parametrize("slash", ["", "/"])
async def test_segment_is_told_to_send_here(door: Door, slash: str) -> None:
    key = door.keys.write_key
    answer = await door.client.get(f"/v1/projects/{key}/settings{slash}", headers={"Host": "shop.example:8000"})
    assert answer.status_code == 200
    assert answer.json() == {
        "integrations": {"Segment.io": {"apiKey": key, "apiHost": "shop.example:8000/v1", "protocol": "http"}},
        "plan": {},
        "analyticsNextEnabled": True,
    }
    assert answer.headers["Cache-Control"] == "private, max-age=60"


async def test_or_where_the_operator_says_that_it_is(door: Door) -> None:
    keys = KeyRing(ControlStore(door.database), lambda: NOW)
    entrance = LibrarySettings(keys, lambda: NOW, "https://shop.example/events").entrance_at(
        f"/v1/projects/{door.keys.write_key}/settings"
    )
    assert entrance is not None
    answer = await entrance.endpoint(Request({"type": "http", "headers": [], "method": "GET"}))
    assert b'"apiHost":"shop.example/events/v1","protocol":"https"' in bytes(answer.body)


async def test_nobody_knows_other_keys(door: Door) -> None:
    assert problem(await door.client.get("/v1/projects/wk_unknown/settings")) == (401, "UNAUTHENTICATED")
    assert problem(await door.client.get(f"/v1/projects/{door.keys.admin_key}/settings")) == (403, "FORBIDDEN")
    assert problem(await door.client.post(f"/v1/projects/{door.keys.write_key}/settings")) == (
        405,
        "METHOD_NOT_ALLOWED",
    )
    for path in ("/v1/projects//settings", "/v1/projects/a/b/settings", "/v1/projects/a"):
        assert problem(await door.client.get(path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
async def test_rudderstack_finds_the_source(door: Door, path: str) -> None:
    key = door.keys.write_key
    query = {"p": "npm", "v": "3.34.1", "build": "modern", "writeKey": key, "lockPluginsVersion": "true"}
    by_header = await door.client.get(path, params=query, auth=(key, ""))
    by_address = await door.client.get(path, params=query)
    assert by_header.json() == by_address.json()
    assert by_header.json() == {
        "source": {
            "id": "website",
            "name": "website",
            "writeKey": key,
            "enabled": True,
            "workspaceId": "default",
            "updatedAt": "2026-11-22T12:00:00Z",
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        }
    }
    assert by_header.headers["Vary"] == "Authorization"


async def test_a_paused_source_is_not_enabled(door: Door) -> None:
    async with door.database.write() as connection:
        await connection.execute(update(sources).values(paused=True))
    answer = await door.client.get("/sourceConfig/", auth=(door.keys.write_key, ""))
    assert answer.json()["source"]["enabled"] is False


async def test_rudderstack_needs_a_key(door: Door) -> None:
    assert problem(await door.client.get("/sourceConfig/")) == (401, "UNAUTHENTICATED")
    assert problem(await door.client.get("/sourceConfig/?writeKey=wk_unknown")) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/events/", "https://shop.example/events"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_public_urls(given: str, kept: str) -> None:
    assert TypeAdapter(PublicUrl).validate_python(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", "shop.example", "ftp://shop.example", "https://", "https://u@shop.example", "https://shop.example?x=1"],
)
def test_what_is_no_public_url(given: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PublicUrl).validate_python(given)
