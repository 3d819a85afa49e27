"""JSON lines: what is an event already is sent on as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.history.failures import FileUnusable
from tests.local.files import items_of, write


def test_lines_are_sent_as_they_are_and_named_if_they_are_not(tmp_path: Path) -> None:
    lines = [
        '{"messageId": "m1", "name": "Bought", "properties": {"big": 123456789012345678901234567890, "x": 1.10}}',
        "",
        '  {"type":"track","event":"Seen","source":"website"}  ',
        "{ }",
        '{"messageId": null, "x": NaN}',
    ]
    items = items_of(write(tmp_path / "events.jsonl", "\ufeff" + "\r\n".join(lines)))
    assert [(item.number, item.line, item.source, item.flaw) for item in items] == [
        (1, 1, None, None),
        (2, 3, "website", None),
        (3, 4, None, None),
        (4, 5, None, None),
    ]
    assert items[0].body.decode() == lines[0]
    assert items[1].body.startswith(b'{"type":"track","event":"Seen","source":"website","messageId":"import-')
    assert items[2].body.startswith(b'{"messageId":"import-')
    assert items[3].body.decode() == lines[4]  # intake says what is wrong with it


@pytest.mark.parametrize("line", ["[1]", '"text"', '{"a":1', '{"a":1},{"b":2}', "a,b,c", '{"a":' * 10_000])
def test_lines_that_are_no_objects_are_flaws_that_show_what_is_there(tmp_path: Path, line: str) -> None:
    [item] = items_of(write(tmp_path / "events.jsonl", line + "\n"))
    assert (item.line, item.flaw) == (1, "this is no JSON object")
    shown = json.loads(item.body)
    assert (shown["unusable"], shown["line"]) == (item.flaw, 1)
    if len(line) < 1_000:
        assert shown["row"] == {"line": line}


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match="line 2: a line has at most"):
        items_of(write(tmp_path / "events.jsonl", b'{}\n{"a":"' + b"x" * 2_000_000))
