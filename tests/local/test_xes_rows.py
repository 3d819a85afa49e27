"""Process logs as IEEE 1849 has them, and files that would do harm."""

from __future__ import annotations

import tracemalloc
from itertools import islice, pairwise
from pathlib import Path

import pytest

from infra.local.history import told
from infra.local.history.failures import BadMapping, FileUnusable
from infra.local.history.files import Source
from infra.local.history.xes_rows import XesRows
from tests.local.files import events_of, items_of, rows_of, write

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<!-- as tools write it -->
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="unknown"/></global>
  <string key="concept:name" value="the log"/>
  <trace>
    <string key="concept:name" value="case 1"/>
    <string key="channel" value="Desk"/>
    <event>
      <string key="concept:name" value="Asked &amp; answered"><string key="note" value="about the name"/></string>
      <date key="time:timestamp" value="2011-10-11T13:45:40.276+02:00"/>
      <int key="big" value="12345678901234567890"/>
      <float key="cost" value="1.50"/>
      <float key="odd" value="NaN"/>
      <boolean key="paid" value="true"/>
      <id key="uid" value="f81d4fae"/>
      <list key="items"><values><string key="i" value="a"/><int key="i" value="2"/></values></list>
      <container key="box"><int key="w" value="1"/></container>
    </event>
    <event><string key="concept:name" value="Sent"/></event>
  </trace>
  <trace><string key="concept:name" value="case 2"/><event><string key="concept:name" value="Asked"/></event></trace>
</log>
"""


def log(tmp_path: Path, content: str | bytes) -> Path:
    return write(tmp_path / "log.xes", content)


def test_events_carry_the_attributes_of_their_trace(tmp_path: Path) -> None:
    path = log(tmp_path, LOG)
    assert [(row.number, row.line) for row in rows_of(path)] == [(1, 10), (2, 21), (3, 23)]
    assert events_of(path) == [
        {
            "identifiers": [{"type": "user_id", "value": "case 1"}],
            "name": "Asked & answered",
            "occurredAt": "2011-10-11T13:45:40.276+02:00",
            "properties": {
                "case:channel": "Desk",
                "big": 12345678901234567890,
                "cost": 1.5,
                "odd": "NaN",
                "paid": True,
                "uid": "f81d4fae",
                "items": ["a", 2],
                "box": {"w": 1},
            },
        },
        {
            "identifiers": [{"type": "user_id", "value": "case 1"}],
            "name": "Sent",
            "properties": {"case:channel": "Desk"},
        },
        {"identifiers": [{"type": "user_id", "value": "case 2"}], "name": "Asked"},
    ]


def test_attributes_may_become_something_else(tmp_path: Path) -> None:
    events = events_of(
        log(tmp_path, LOG),
        columns={"case:concept:name": "identifiers.case", "case:channel": "channel"},
        others="ignore",
    )
    assert [(event["identifiers"], event.get("channel")) for event in events] == [
        ([{"type": "case", "value": "case 1"}], "Desk"),
        ([{"type": "case", "value": "case 1"}], "Desk"),
        ([{"type": "case", "value": "case 2"}], None),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_are_read_as_the_file_declares_them(tmp_path: Path, encoding: str) -> None:
    content = LOG.replace("Asked", "Gevraagd één").replace("UTF-8", encoding).encode(encoding)
    assert events_of(log(tmp_path, content))[2]["name"] == "Gevraagd één"


_LETTERS = "abcdefghij"
LAUGHS = (
    '<!DOCTYPE log [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {wide} "' + f"&{one};" * 10 + '">' for one, wide in pairwise(_LETTERS))
    + ']><log><trace><event><string key="concept:name" value="&j;"/></event></trace></log>'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LAUGHS, "line 1: a document type is refused, because of what its entities can do."),
        ('<!DOCTYPE log SYSTEM "file:///etc/passwd"><log/>', "line 1: a document type is refused"),
        ("<html></html>", "line 1: this is no XES: its root is 'html'."),
        ("<log>\n<trace>", "line 2: this is no XML: no element found."),
        ("<log>\n<trace></log>", "line 2: this is no XML: mismatched tag."),
        ("", "line 1: this is no XML: no element found."),
        ("<log><trace>" + '<list key="a">' * 65, "attributes stand inside each other more than 64 deep."),
        (f'<log><trace><string key="a" value="{"x" * 4_000_000}"/>', "a tag has at most 1,048,576 bytes."),
        (f"<log><!--{'x' * 4_000_000}", "a tag has at most 1,048,576 bytes."),
        (
            "<log><trace>" + f'<string key="a" value="{"x" * 1_000}"/>' * 2_000,
            "an event or a trace says at most 1,048,576 characters.",
        ),
        (
            "<log><trace>" + f'<string key="a" value="{"x" * 1_000}"/><event/>' * 2_000,
            "an event or a trace says at most 1,048,576 characters.",
        ),
        ("<log><trace>" + '<int key=""/>' * 70_000, "an event or a trace says at most 1,048,576 characters."),
        ("<log>" + "<a>" * 1_000, "tags stand inside each other more than 256 deep."),
    ],
    ids=[
        *("billion laughs", "outer file", "HTML", "cut off", "crossed", "empty"),
        *("deep", "a long tag", "a long comment", "a long trace"),
        *("a trace between its events", "nothing", "unknown tags"),
    ],
)
def test_harmful_and_broken_files_are_refused(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(FileUnusable) as refused:
        rows_of(log(tmp_path, content))
    assert reason in str(refused.value)


def test_what_a_trace_says_between_its_events_is_of_those_behind_it(tmp_path: Path) -> None:
    told_late = (
        '<log><trace><string key="a" value="1"/><event/><string key="a" value="2"/><event/></trace><event/></log>'
    )
    assert [row.values for row in rows_of(log(tmp_path, told_late))] == [{"case:a": "1"}, {"case:a": "2"}, {}]


def test_what_a_trace_says_is_not_kept_again_for_each_event_of_a_chunk(tmp_path: Path) -> None:
    said = "".join(f'<string key="{number:x}" value=""/>' for number in range(40_000))
    path = log(tmp_path, f"<log><trace>{said}{'<event/>' * 8_000}</trace></log>")
    tracemalloc.start()
    try:
        with Source(path) as file:
            assert [len(row.values) for row in islice(XesRows(file), 10)] == [40_000] * 10
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "inner", ['<list key="source"><int key="i" value="1"/></list>', '<int key="source" value="5"/>']
)
def test_a_source_is_named_by_a_text(tmp_path: Path, inner: str) -> None:
    [item] = items_of(log(tmp_path, f"<log><event>{inner}</event></log>"))
    assert item.flaw == "the name of a source is a text"


def test_an_attribute_may_be_named_that_only_later_events_have(tmp_path: Path) -> None:
    order = told.order(log(tmp_path, LOG), None, told.read_told({"columns": {"rare": "channel"}}), None)
    order.plan.check(["case:concept:name", "concept:name", "time:timestamp"], are_all=False)
    with pytest.raises(BadMapping, match="There is no column 'rare'"):
        order.plan.check(["case:concept:name", "concept:name", "time:timestamp"], are_all=True)
