"""Payloads that nobody on this project made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.events.intake.domain.event import KINDS
from services.events.intake.slots import Recorded
from tests.events.intake.calls import judge_call
from tests.events.intake.door import Door

PAYLOADS = Path(__file__).parents[4] / "shared" / "data" / "payloads"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not PAYLOADS.exists(), reason="needs ../shared/data/payloads"),
]


def payloads(folder: str) -> dict[str, Any]:
    return {file.stem: json.loads(file.read_text())["payload"] for file in sorted((PAYLOADS / folder).glob("*.json"))}


def is_wire_form(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("type") in KINDS


def test_the_calls_of_the_segment_specification() -> None:
    """All that are in wire form are accepted, but for the four samples that the specification shows without an id."""
    judged = {
        name: judge_call(json.dumps(payload).encode())
        for name, payload in payloads("segment").items()
        if is_wire_form(payload)
    }
    assert len(judged) == 37
    assert {name: judgement for name, judgement in judged.items() if not isinstance(judgement, Recorded)} == {
        f"{kind}_1_sample": ("NO_IDENTIFIER", ()) for kind in ("group", "page", "screen", "track")
    }


def test_the_chats_of_the_specification_by_their_route() -> None:
    """These four name their kind `action`."""
    judged = [
        judge_call(json.dumps(payload).encode(), kind="track")
        for name, payload in payloads("segment").items()
        if name.startswith("live_chat")
    ]
    assert [isinstance(judgement, Recorded) for judgement in judged] == [True] * 4


async def test_events_of_another_kind_of_system_are_refused_one_by_one(door: Door) -> None:
    invalid = list(payloads("unomi_invalid").values())
    good = {"type": "track", "userId": "u", "event": "Seen"}
    answer = await door.send("/v1/batch", {"batch": [*invalid, good]})
    assert answer.status_code == 200
    results = [(result["index"], result["code"], result["path"]) for result in answer.json()["results"]]
    assert results == [(index, "BAD_VALUE", ["type"]) for index in range(len(invalid))]
    assert [refused.body for refused in await door.refusals(answer)] == [json.dumps(one).encode() for one in invalid]
    assert len(await door.events(answer)) == 1
