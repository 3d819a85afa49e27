"""Whatever is sent to `/v1/events`: an answer that clients understand, and what is accepted reads as it was sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events.intake.domain.event import KINDS
from services.events.intake.slots import Recorded
from tests.events.intake.calls import judge_cloud_event
from tests.events.intake.door import Door, open_door, problem
from tests.events.intake.test_fuzz import leaves, texts, values

Json = dict[str, Any]
RESERVED = {"specversion", "id", "type", "time"}
SAFE = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("%", "")

attributes = texts | leaves
sound = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12)
media_types = st.sampled_from(["application/json", "text/plain", "image/png", "application/x+json; a=b"])
required = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0"),
        "id": sound,
        "source": st.sampled_from(["/crm", "urn:uuid:6e8b", "https://shop.example/nl?a=%20"]),
        "type": sound,
        "userid": sound.map(lambda text: f"user {text}"),
    },
    optional={
        "subject": sound,
        "datacontenttype": media_types,
        "time": st.sampled_from(["2026-11-22T11:00:00Z", "1970-01-01T00:00:00.123456789+14:00"]),
        "kind": st.sampled_from(sorted(KINDS)),
        "channel": sound,
        "anextension": sound,
    },
)
odd = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("specversion", "id", "source", "type", "subject", "time", "kind", "device"), attributes)
    | {"datacontenttype": media_types | attributes, "data": values, "data_base64": attributes, "userid": attributes},
)
events = required | st.tuples(required, odd).map(lambda parts: parts[0] | parts[1])
data = st.dictionaries(texts, values, max_size=4) | values


def check(judgement: Recorded | tuple[str, tuple[str, ...]], sent: Json) -> None:
    if not isinstance(judgement, Recorded):
        assert judgement[0] in {"BAD_VALUE", "BAD_TIMESTAMP", "NO_IDENTIFIER", "TOO_LARGE"}
        msgspec.json.encode(judgement)
        return
    assert (judgement.message_id, judgement.name) == (f"{sent['source']} {sent['id']}", sent["type"])
    kept = {name: value for name, value in sent.items() if value is not None and not name.startswith("data_")}
    kept.pop("data", None)
    context = {name: value for name, value in kept.items() if name not in RESERVED}
    assert msgspec.json.decode(judgement.context) == {"cloudevent": context}
    if sent.get("data") is not None:
        raw = judgement.traits if judgement.kind in ("identify", "group") else judgement.properties
        wanted = sent["data"] if isinstance(sent["data"], dict) else {"data": sent["data"]}
        assert msgspec.json.decode(raw) == wanted
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(judgement), type=Recorded) == judgement


@given(events, st.booleans())
def test_an_event_is_refused_with_a_reason_or_kept_as_it_was_sent(event: Json, ascii_only: bool) -> None:
    sent = json.dumps(event, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    check(judge_cloud_event(sent), event)


@given(required, data)
def test_a_sound_event_with_any_data(event: Json, data: Any) -> None:
    check(judge_cloud_event(json.dumps(event | {"data": data}).encode()), event | {"data": data})


@pytest.fixture
async def sqlite_door(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(sqlite_url, tmp_path / "data") as opened:
        yield opened


over_http = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@over_http
@given(required, st.dictionaries(sound, st.integers(-(2**70), 2**70) | sound, max_size=3))
async def test_headers_and_body_mean_the_same_event(sqlite_door: Door, event: Json, data: Json) -> None:
    event = event | {"datacontenttype": "application/json"}
    body = json.dumps(data, ensure_ascii=False).encode()
    headers = {f"ce-{name}": quote(value, safe=SAFE) for name, value in event.items() if name != "datacontenttype"}
    binary = await sqlite_door.send("/v1/events", body, headers=headers | {"Content-Type": "application/json"})
    whole = json.dumps(event, ensure_ascii=False).encode()[:-1] + b',"data":' + body + b"}"
    headers = {"Content-Type": "application/cloudevents+json"}
    structured = await sqlite_door.send("/v1/events", whole, headers=headers)
    first, second = await sqlite_door.slots(binary), await sqlite_door.slots(structured)
    assert isinstance(first[0], Recorded)
    assert first == second
    check(first[0], event | {"data": data})


names = st.sampled_from(["specversion", "id", "source", "type", "subject", "time", "userid", "data", "x-y"])
header_values = st.binary(max_size=12) | st.sampled_from([b'"a b"', b"%C3%A9", b"%C0%A0", b'"\\', b"1.0", b"/crm"])
bodies = (
    st.binary(max_size=40)
    | values.map(lambda value: json.dumps(value).encode())
    | events.map(lambda event: json.dumps(event).encode())
    | st.lists(events | values, max_size=4).map(lambda batch: json.dumps(batch).encode())
)
content_types = st.sampled_from(
    ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"]
)


@over_http
@given(
    headers=st.lists(st.tuples(names.map(lambda name: f"ce-{name}".encode()), header_values), max_size=6),
    content_type=content_types.map(str.encode) | header_values,
    body=bodies,
    cut=st.integers(0, 60),
    packed=st.booleans(),
)
async def test_any_request_gets_an_answer_that_clients_understand(
    sqlite_door: Door, headers: list[tuple[bytes, bytes]], content_type: bytes, body: bytes, cut: int, packed: bool
) -> None:
    sent = body[: len(body) - cut] if cut < 20 else body
    headers = [*headers, (b"Content-Type", content_type), *([(b"Content-Encoding", b"gzip")] if packed else [])]
    answer = await sqlite_door.send("/v1/events", gzip.compress(sent) if packed else sent, headers=headers)
    if answer.status_code != 200:
        assert 400 <= problem(answer)[0] < 500
        return
    if answer.json()["position"] is None:
        return
    slots = await sqlite_door.slots(answer)
    rejected = [index for index, slot in enumerate(slots) if not isinstance(slot, Recorded)]
    assert [result["index"] for result in answer.json()["results"]] == rejected
