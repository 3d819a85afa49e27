"""What was recorded, exported and imported again says the same: who, what, when, every number and every text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from services.events.export.schemas import event_record
from services.events.export.tables import csv_head, csv_lines, json_lines
from services.events.intake.history import MAX_IMPORTED_BYTES, read_history
from services.events.intake.slots import Recorded
from services.events.timeline.entry import Entry
from tests.events.intake.calls import NOW, RECEIPT, judge_call, judge_input
from tests.events.intake.test_fuzz import calls, inputs
from tests.local.files import items_of, write

Json = dict[str, Any]
AGAIN = replace(RECEIPT, received_at=NOW + 10**12, most_bytes=MAX_IMPORTED_BYTES, imported=True)
FACTS = ("message_id", "kind", "name", "channel", "device", "identifiers", "occurred_at", "sequence")
OBJECTS = ("properties", "context", "traits")
_SLOW: dict[str, Any] = {"max_examples": 50, "deadline": None, "suppress_health_check": list(HealthCheck)}


def recorded(judgement: Any) -> Recorded:
    assume(isinstance(judgement, Recorded))
    found: Recorded = judgement
    return found


either = st.one_of(
    calls.map(lambda call: judge_call(json.dumps(call).encode())),
    inputs.map(lambda given: judge_input(json.dumps(given).encode())),
).map(recorded)


def said(event: Recorded) -> Json:
    """All that an event says, JSON as bytes compare it: 1 and 1.0 are not the same."""
    objects = {name: json.dumps(msgspec.json.decode(getattr(event, name) or b"{}"), sort_keys=True) for name in OBJECTS}
    return {name: getattr(event, name) for name in FACTS} | objects


def imported(path: Path, **options: Any) -> list[Recorded]:
    items = items_of(path, **options)
    assert [item.flaw for item in items] == [None] * len(items)
    return [read_history(item.body, AGAIN, AGAIN.received_at) for item in items]


@settings(**_SLOW)
@given(event=either)
def test_json_lines_bring_every_event_back(tmp_path_factory: pytest.TempPathFactory, event: Recorded) -> None:
    record = event_record(Entry.of(1, 0, event), b"c" * 16)
    path = write(tmp_path_factory.mktemp("lines") / "events.jsonl", json_lines([record, record]))
    first, second = imported(path)
    assert first == second
    assert said(first) == said(event)
    assert (first.original_timestamp, first.imported) == (event.occurred_at, True)


@settings(**_SLOW)
@given(event=either)
def test_so_do_tables(tmp_path_factory: pytest.TempPathFactory, event: Recorded) -> None:
    """But for texts that a table cannot tell from nothing."""
    record = event_record(Entry.of(1, 0, event), b"c" * 16)
    content = csv_head(record.__struct_encode_fields__) + csv_lines([record])
    [again] = imported(write(tmp_path_factory.mktemp("tables") / "events.csv", content))
    assert said(again) == said(event)


def test_what_was_sent_on_several_lines_comes_out_on_one(tmp_path: Path) -> None:
    sent = {"event": "Buy", "userId": "u", "properties": {"a": ["x\n", 1]}, "context": {"b": 2}, "traits": {"c": 3}}
    event = judge_call(json.dumps(sent | {"type": "track"}, indent=2).replace("\n", "\r\n").encode())
    assert isinstance(event, Recorded)
    record = event_record(Entry.of(1, 0, event), b"c" * 16)
    lines = json_lines([record])
    assert (lines.count(b"\n"), lines.count(b"\r")) == (1, 0)
    [again] = imported(write(tmp_path / "events.jsonl", lines))
    assert said(again) == said(event)


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    sent = b'{"messageId":"m","name":"n","identifiers":[{"type":"t","value":"v"}],"properties":{"big":%d,"price":1.10}}'
    event = judge_input(sent % 2**200)
    assert isinstance(event, Recorded)
    record = event_record(Entry.of(1, 0, event), b"c" * 16)
    [again] = imported(write(tmp_path / "events.jsonl", json_lines([record])))
    assert again.properties == b'{"big":%d,"price":1.10}' % 2**200
