"""The unmodified CloudEvents library for Python, over a road on which answers get lost: each event is stored once."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.support.cloud_visits import CloudVisit
from tests.support.platform import Platform
from tests.support.weather import Mishap, bad_weather

MISHAPS: tuple[Mishap, ...] = ("refused", "lost", "twice")
BIG = 2**70 + 1
REMARK = 'Één café – "100%" 😀 日本語'
Messages = Iterator[HTTPMessage]


def binary(events: Iterable[CloudEvent]) -> Messages:
    return map(to_binary_event, events)


def structured(events: Iterable[CloudEvent]) -> Messages:
    return map(to_structured_event, events)


def batched(events: Iterable[CloudEvent]) -> Messages:
    """The library has nothing for batches but the events in them."""
    body = b"[" + b",".join(message.body for message in structured(events)) + b"]"
    yield HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)


def send(client: httpx.Client, message: HTTPMessage, packed: bool) -> httpx.Response:
    """Again until it is answered, as whoever sends must."""
    headers = message.headers | ({"Content-Encoding": "gzip"} if packed else {})
    body = gzip.compress(message.body) if packed else message.body
    for _ in range(5):
        try:
            answer = client.post("/v1/events", content=body, headers=headers)
        except httpx.RemoteProtocolError:
            continue
        if answer.status_code != 503:
            return answer
    raise AssertionError("never answered")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("mode", [binary, structured, batched])
def test_a_visit(platform: Platform, mode: Callable[[Iterable[CloudEvent]], Messages], packed: bool) -> None:
    visit = CloudVisit(BIG, remark=REMARK)
    key = platform.credentials["writeKey"]
    with (
        bad_weather(platform.intake_url, *MISHAPS) as road,
        httpx.Client(base_url=road.url, auth=(key, ""), timeout=20) as client,
    ):
        for request in visit.requests:
            events = []
            for event in request:
                attributes = {name: value for name, value in event.items() if name != "data"}
                attributes["time"] = datetime.fromisoformat(event["time"])
                events.append(CloudEvent(attributes, event["data"]))
            for message in mode(events):
                assert send(client, message, packed).status_code == 200
    assert [mishap for mishap, _status in road.done][:3] == list(MISHAPS)
    assert road.encodings == {"gzip" if packed else ""}
    visit.check(platform)
