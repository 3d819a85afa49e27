"""Unmodified libraries for Python, over a road on which answers get lost: each event is stored once, as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
import rudderstack.analytics.client
import segment.analytics.client

from tests.support.platform import Platform
from tests.support.visits import Visit
from tests.support.weather import Mishap, bad_weather

MISHAPS: tuple[Mishap, ...] = ("refused", "lost", "twice")
BIG = 2**70 + 1
NAMES = {"userId": "user_id", "anonymousId": "anonymous_id", "messageId": "message_id"}


@contextmanager
def _at_work(client: Any) -> Iterator[Any]:
    try:
        yield client
    finally:
        client.shutdown()


def make(visit: Visit, client: Any) -> None:
    """The calls of a visit, batch by batch."""
    for batch in visit.calls:
        for call in batch:
            arguments = {NAMES.get(name, name): value for name, value in call.items() if name != "call"}
            arguments["timestamp"] = datetime.fromisoformat(call["timestamp"])
            getattr(client, call["call"])(**arguments)
        client.flush()


@pytest.mark.parametrize("gzip", [False, True])
def test_segment(platform: Platform, gzip: bool) -> None:
    visit, errors = Visit(BIG, large=False), []
    with bad_weather(platform.intake_url, *MISHAPS) as road:
        options = {"on_error": lambda error, _batch: errors.append(error), "gzip": gzip}
        with _at_work(segment.analytics.Client(platform.credentials["writeKey"], host=road.url, **options)) as client:
            with pytest.raises(RuntimeError):  # it does not send what is too large
                client.track(visit.user, "large", {"text": "x" * 400_000})
            make(visit, client)
    assert errors == []
    assert {mishap for mishap, _status in road.done} >= set(MISHAPS)
    assert road.encodings == {"gzip" if gzip else ""}
    visit.check(platform)


def test_rudderstack(platform: Platform) -> None:
    visit, errors = Visit(BIG), []
    with bad_weather(platform.intake_url, *MISHAPS) as road:
        options = {"on_error": lambda error, _batch: errors.append(error)}
        key = platform.credentials["writeKey"]
        with _at_work(rudderstack.analytics.client.Client(key, host=road.url, **options)) as client:
            make(visit, client)
    assert errors == []
    assert {mishap for mishap, _status in road.done} >= set(MISHAPS)
    assert road.encodings == {"gzip"}
    visit.check(platform)


def test_what_libraries_in_browsers_ask_for_is_where_they_look(platform: Platform) -> None:
    key, visit = platform.credentials["writeKey"], Visit(BIG)
    _scheme, host = platform.intake_url.split("://")
    settings = platform.client.get(f"{platform.intake_url}/v1/projects/{key}/settings").json()
    assert settings["integrations"]["Segment.io"]["apiHost"] == f"{host}/v1"
    config = platform.client.get(f"{platform.intake_url}/sourceConfig/", params={"writeKey": key}).json()
    assert config["source"]["writeKey"] == key
    batch = {"batch": [call | {"type": call["call"]} for calls in visit.calls for call in calls]}
    answer = platform.client.post(
        f"{platform.intake_url}/beacon/v1/batch",
        params={"writeKey": key},
        content=json.dumps(batch),
        headers={"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"},
    )
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://shop.example")
    assert [result["code"] for result in answer.json()["results"]] == ["TOO_LARGE"]
    visit.check(platform)
