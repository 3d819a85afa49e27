"""Whatever is sent: an answer that clients understand, and what is accepted can be read again as it was sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events.intake.domain.event import KINDS
from services.events.intake.slots import Recorded
from services.events.timeline.domain import history_key
from tests.events.intake.calls import NOW, judge_call, judge_input
from tests.events.intake.door import Door, open_door, problem

texts = st.text(st.characters(exclude_categories=[]), max_size=8) | st.sampled_from(
    ["", "u", "null", "\x00", "\ud800", "[{"]
)
numbers = st.integers() | st.floats() | st.integers(-(2**70), 2**70)
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(texts, values, max_size=4) | values
moments = st.sampled_from(["2026-11-22T11:00:00Z", "2026-11-22", 1_700_000_000, 0, "soon"]) | leaves
contexts = st.fixed_dictionaries(
    {},
    optional={
        "channel": leaves,
        "device": st.fixed_dictionaries({"type": leaves}) | values,
        "userAgent": st.sampled_from(["Mozilla/5.0 (Linux; Android 10; K) Mobile", "Googlebot"]) | leaves,
        "userAgentData": st.fixed_dictionaries({"mobile": leaves, "platform": values}) | values,
        "library": st.fixed_dictionaries({"name": values}) | values,
        "page": st.fixed_dictionaries({"url": values}) | values,
        "campaign": st.fixed_dictionaries({"medium": values}) | values,
        "sequence": leaves,
        "traits": st.dictionaries(st.sampled_from(["email", "plan"]), values, max_size=2) | values,
        "externalIds": st.lists(st.fixed_dictionaries({"id": leaves, "type": leaves}) | values, max_size=2) | values,
    },
)
identifiers = st.sampled_from(["u", "a", "anonymous"]) | leaves
calls = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(KINDS)) | leaves},
    optional={
        "messageId": leaves,
        "event": texts | leaves,
        "name": texts | leaves,
        "category": leaves,
        "userId": identifiers,
        "anonymousId": identifiers,
        "previousId": identifiers,
        "timestamp": moments,
        "originalTimestamp": moments,
        "sentAt": moments,
        "channel": leaves,
        "properties": objects,
        "context": contexts | objects,
        "traits": st.dictionaries(st.sampled_from(["email", "plan"]), values, max_size=2) | objects,
        "integrations": values,
    },
)
inputs = st.fixed_dictionaries(
    {
        "name": texts,
        "identifiers": st.lists(st.fixed_dictionaries({"type": texts, "value": leaves}) | values, max_size=3),
    },
    optional={"kind": leaves, "occurredAt": moments, "properties": objects, "context": contexts, "traits": objects},
)


def check(judgement: Recorded | tuple[str, tuple[str, ...]], sent: Any) -> None:
    if not isinstance(judgement, Recorded):
        assert judgement[0] in {"BAD_VALUE", "BAD_TIMESTAMP", "NO_IDENTIFIER", "TOO_LARGE"}
        msgspec.json.encode(judgement)
        return
    for name in ("properties", "context"):
        raw = getattr(judgement, name)
        assert (msgspec.json.decode(raw) if raw else None) == sent.get(name)
    traits = msgspec.json.decode(judgement.traits) if judgement.traits else {}
    below = (sent.get("context") or {}).get("traits")
    assert traits == (below if isinstance(below, dict) else {}) | (sent.get("traits") or {})
    assert judgement.identifiers
    history_key(judgement.occurred_at, judgement.sequence, judgement.kind, judgement.source, judgement.message_id)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(judgement), type=Recorded) == judgement
    assert judgement.occurred_at <= NOW + 5 * 60 * 1_000_000


@given(calls, st.booleans())
def test_a_call_is_refused_with_a_reason_or_kept_as_it_was_sent(call: dict[str, Any], ascii_only: bool) -> None:
    sent = json.dumps(call, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    check(judge_call(sent), call)


@given(inputs)
def test_so_is_an_input(sent: dict[str, Any]) -> None:
    check(judge_input(sent), sent)


@pytest.fixture
async def sqlite_door(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(sqlite_url, tmp_path / "data") as opened:
        yield opened


bodies = (
    st.binary(max_size=40)
    | values.map(lambda value: json.dumps(value).encode())
    | st.lists(calls | values, max_size=4).map(lambda batch: json.dumps({"batch": batch}).encode())
    | calls.map(lambda call: json.dumps(call).encode())
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/v1/batch", "/v1/track", "/v1/alias/", "/v1/m"]),
    body=bodies,
    cut=st.integers(0, 60),
    packed=st.booleans(),
)
async def test_any_body_gets_an_answer_that_clients_understand(
    sqlite_door: Door, path: str, body: bytes, cut: int, packed: bool
) -> None:
    sent = body[: len(body) - cut] if cut < 20 else body
    headers = {"Content-Encoding": "gzip"} if packed else {}
    answer = await sqlite_door.send(path, gzip.compress(sent) if packed else sent, headers=headers)
    if answer.status_code != 200:
        assert 400 <= problem(answer)[0] < 500
        return
    document = answer.json()
    assert document["success"] is True
    if document["position"] is None:
        return
    slots = await sqlite_door.slots(answer)
    rejected = [index for index, slot in enumerate(slots) if not isinstance(slot, Recorded)]
    assert [result["index"] for result in document["results"]] == rejected
