"""Tables as spreadsheets and databases write them, and files that only look like tables."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from infra.local.history import told
from infra.local.history.failures import BadMapping, FileUnusable
from infra.local.history.files import Source
from infra.local.history.importing import check
from tests.local.files import events_of, items_of, rows_of, write

COLUMNS = {"klant": "identifiers.crm_id", "wat": "name", "wanneer": "occurredAt"}


def table(tmp_path: Path, content: str | bytes) -> Path:
    return write(tmp_path / "events.csv", content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    lines = ["klant,wat,wanneer", '"a,b",Bought,2020-01-01', "c,Seen,2020-01-02"]
    path = table(tmp_path, "\n".join(line.replace(",", delimiter) for line in lines))
    assert events_of(path, columns=COLUMNS) == [
        {
            "identifiers": [{"type": "crm_id", "value": f"a{delimiter}b"}],
            "name": "Bought",
            "occurredAt": "2020-01-01",
        },
        {"identifiers": [{"type": "crm_id", "value": "c"}], "name": "Seen", "occurredAt": "2020-01-02"},
    ]


def test_quotes_hold_delimiters_quotes_and_line_breaks_and_lines_are_counted_on(tmp_path: Path) -> None:
    path = table(tmp_path, '\ufeffa,b\r\n"x, ""y""\r\nz",1\r\n\r\n3,"é👍"\r\n')
    rows = rows_of(path)
    assert [(row.number, row.line, row.values) for row in rows] == [
        (1, 2, {"a": 'x, "y"\r\nz', "b": "1"}),
        (2, 5, {"a": "3", "b": "é👍"}),
    ]


def test_records_that_are_none_are_told_with_their_line_and_spoil_no_other(tmp_path: Path) -> None:
    path = table(tmp_path, 'a,b\n1,2,3\n4,5\n"6"7,8\n9\n10,11\n')
    rows = rows_of(path)
    assert [(row.line, row.flaw is None) for row in rows] == [(2, False), (3, True), (4, False), (5, False), (6, True)]
    assert rows[0].flaw == "there are 3 fields, and 2 columns"
    assert rows[2].flaw == "this is no CSV: ',' expected after '\"'"


def test_a_long_text_spoils_no_other_row(tmp_path: Path) -> None:
    letter = "x" * 500_000
    assert [row.values["b"] for row in rows_of(table(tmp_path, f'a,b\n1,"{letter}\n{letter}"\n3,4\n'))] == [
        f"{letter}\n{letter}",
        "4",
    ]


def test_what_is_empty_is_left_out(tmp_path: Path) -> None:
    assert [row.values for row in rows_of(table(tmp_path, "a,b,c\n,2,\n"))] == [{"b": "2"}]


def test_compressed_tables_are_read_too(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv.gz", gzip.compress(b"a,b\n1,2\n"))
    assert [row.values for row in rows_of(path)] == [{"a": "1", "b": "2"}]
    write(path, gzip.compress(b"a,b\n1,2\n")[:-9])
    with pytest.raises(FileUnusable, match=r"events\.csv\.gz cannot be read"):
        rows_of(path)


def test_another_encoding_is_named_with_the_line_where_it_shows(tmp_path: Path) -> None:
    content = "naam,wat\nJan,Gezien\nZoë,Gezien\n".encode("cp1252")
    path = table(tmp_path, content)
    with pytest.raises(FileUnusable) as refused:
        rows_of(path)
    assert str(refused.value) == (
        "events.csv, line 3: byte 0xeb is not utf-8. Name the encoding of the file, such as --encoding cp1252."
    )
    assert [row.values["naam"] for row in rows_of(path, encoding="cp1252")] == ["Jan", "Zoë"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n".encode("utf-16"), "line 1: this is UTF-16. Save the file as UTF-8."),
        ("a,a\n1,2\n", "line 1: two columns are named 'a'."),
        ("", "line 1: there is no header that names the columns."),
        ('a,b\n1,2\n3,"4\n' + "5,6\n" * 300_000, "line 3: the record that begins here does not come to an end."),
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', "line 3: the record that begins here does not come to an end."),
        (b"a,b\n" + b"x" * 3_000_000, "line 2: a line has at most 1,048,576 bytes. Is this another format?"),
    ],
    ids=["UTF-16", "columns of one name", "nothing", "an open quote", "one in a small file", "an endless line"],
)
def test_files_that_cannot_be_read_say_where_and_why(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(FileUnusable) as refused:
        rows_of(table(tmp_path, content))
    assert reason in str(refused.value)


def test_a_line_without_an_end_is_refused_in_little_memory(tmp_path: Path) -> None:
    """A gigabyte, of which a megabyte is read."""
    path = tmp_path / "events.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n")
        file.truncate(1 << 30)
    with pytest.raises(FileUnusable, match="a line has at most"):
        rows_of(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"klant": "identifiers.crm_id", "wat": "name"}}, "No column tells when it happened."),
        ({"columns": {"x": "name"}}, "There is no column 'x'. There are: klant, wat, wanneer."),
        ({"columns": {"klant": "customer"}}, "A column cannot become 'customer'."),
        ({"columns": COLUMNS | {"klant": "name"}}, "Two columns become 'name'."),
        ({"timezone": "Mars/Base"}, "Nothing is known by this name"),
        ({"timezone": "Europe"}, "There is no such time zone: Europe."),
        ({"timezone": "../Europe"}, "There is no such time zone: ../Europe."),
        ({"encoding": "martian"}, "Nothing is known by this name"),
        ({"encoding": "zlib"}, "Nothing is known by this name: 'zlib' is not a text encoding"),
        ({"encoding": "utf-16"}, "Lines in utf-16 cannot be told apart."),
        ({"encoding": "utf-7"}, "Lines in utf-7 cannot be told apart."),
        ({"encoding": "raw_unicode_escape"}, "Lines in raw_unicode_escape cannot be told apart."),
        ({"encoding": "idna"}, "Lines in idna cannot be told apart."),
        ({"time_format": "%d %d"}, "A time format says everything once, and not as '%d %d'."),
        (
            {"columns": COLUMNS | {"klant": "identifiers"}, "constants": {"identifiers.crm_id": "7"}},
            "One column becomes all of 'identifiers', another a part of it.",
        ),
        ({"others": "burn"}, "others: Input should be 'properties' or 'ignore'."),
    ],
)
def test_a_mapping_that_cannot_be_meant_says_what_to_write(tmp_path: Path, options: Any, message: str) -> None:
    path = table(tmp_path, "klant,wat,wanneer\n")
    with pytest.raises(BadMapping) as refused, Source(path) as file:
        order = told.order(path, None, told.read_told(options), None)
        columns = order.rows(file).columns
        assert columns is not None
        order.plan.check(columns, are_all=True)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "told_of"),
    [
        ("columns: {2019-02-30: name, no: occurredAt}", {"2019-02-30": "name", "no": "occurredAt"}),
        ("columns: {wat: name}\n", {"wat": "name"}),
        ("", {}),
    ],
)
def test_everything_in_a_mapping_file_is_a_text(tmp_path: Path, content: str, told_of: dict[str, str]) -> None:
    assert told.read_file(write(tmp_path / "mapping.yaml", content)).columns == told_of


@pytest.mark.parametrize(
    "content",
    [
        "columns: " + "[" * 5_000 + "]" * 5_000,
        "columns: !!python/object/apply:os.system [id]",
        "columns: &a {x: *a}",
        "columns: {[a]: name}",
        "delimiter: !!int ''",
        "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30)),
    ],
    ids=["deep", "code", "circle", "key", "number", "merges"],
)
def test_harmful_mapping_files_are_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadMapping):
        told.read_file(write(tmp_path / "mapping.yaml", content))


def test_a_table_of_more_columns_than_spreadsheets_have_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, ",".join(f"{number:x}" for number in range(150_000)))
    with pytest.raises(FileUnusable, match="a table has at most 16,384 columns"):
        rows_of(path)


@pytest.mark.parametrize("content", ["a,b\n{},1\n", "b,a\n1,{}\n"])
def test_a_row_is_not_all_of_an_object_and_a_part_of_it(tmp_path: Path, content: str) -> None:
    [item] = items_of(table(tmp_path, content), columns={"a": "properties", "b": "properties.b"})
    assert item.flaw == "one column is all of 'properties', another a part of it"


def test_what_would_command_a_terminal_is_not_shown_to_it(tmp_path: Path) -> None:
    path = table(tmp_path, "name,occurredAt,identifiers.user_id,\x1b]0;t\x07\nx\x1b[2J,2020-01-01,u,\x9b31m\n")
    order = told.order(path, None, told.read_told({}), None)
    said = io.StringIO()
    check(order, Console(file=said, width=200), whole=True)
    assert [character for character in said.getvalue() if not character.isprintable() and character != "\n"] == []
    assert "x\ufffd[2J" in said.getvalue()


def test_texts_mean_what_the_mapping_says(tmp_path: Path) -> None:
    meanings = {
        "a": "properties.a:number",
        "b": "properties.b:decimal-comma",
        "c": "properties.c:boolean",
        "d": "properties.d:json",
        "e": "traits.e:integer",
        "f": "context.f",
        "g": "ignore",
        "t": "occurredAt",
    }
    content = "a;b;c;d;e;f;g;h;t\n12345678901234567890.10;1.234,5;ja;[1,{}];9007199254740993;x;y;z;31-12-2019 23:30\n"
    [item] = items_of(
        table(tmp_path, content),
        columns=meanings,
        constants={"kind": "identify", "sequence": "4"},
        time_format="%d-%m-%Y %H:%M",
        timezone="Europe/Amsterdam",
    )
    assert item.body.partition(b',"messageId"')[0].decode() == (
        '{"kind":"identify","sequence":4,'
        '"properties":{"a":12345678901234567890.10,"b":1234.5,"c":true,"d":[1,{}],"h":"z"},'
        '"traits":{"e":9007199254740993},"context":{"f":"x"},"occurredAt":"2019-12-31T23:30:00+01:00"'
    )


@pytest.mark.parametrize(
    ("type", "text", "flaw"),
    [
        ("number", "12,50", "'12,50' is not a number"),
        ("number", "NaN", "'NaN' is not a number"),
        ("integer", "1.0", "'1.0' is not an integer"),
        ("decimal-comma", "1,234.5", "'1,234.5' is not a number with a decimal comma"),
        ("boolean", "maybe", "'maybe' is neither yes nor no"),
        ("json", "{", "'{' is not JSON"),
    ],
)
def test_a_text_that_means_something_else_is_a_flaw_of_its_row(tmp_path: Path, type: str, text: str, flaw: str) -> None:
    quoted = text.replace('"', '""')
    [item] = items_of(table(tmp_path, f'x\n"{quoted}"\n'), columns={"x": f"properties.x:{type}"})
    assert (item.line, item.flaw) == (2, flaw)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1577836800", 1577836800),
        ("1577836800123", 1577836800123),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01 10:00", "2020-01-01T10:00:00+01:00"),
        ("2020-07-01T10:00:00Z", "2020-07-01T10:00:00Z"),
        ("soon", "soon"),
    ],
)
def test_moments_are_handed_on_as_intake_reads_them(tmp_path: Path, written: str, read: Any) -> None:
    zone = {} if read == written else {"timezone": "Europe/Amsterdam"}
    [event] = events_of(table(tmp_path, f"occurredAt\n{written}\n"), **zone)
    assert event == {"occurredAt": read}


def test_a_row_has_the_same_message_id_whenever_it_is_read_and_equal_rows_have_different_ones(tmp_path: Path) -> None:
    short = table(tmp_path, "name\nSeen\nSeen\n")
    ids = [item.body for item in items_of(short)]
    assert len({*ids}) == 2
    grown = write(tmp_path / "grown.csv", "name\nSeen\nSeen\nBought\n")
    assert [item.body for item in items_of(grown)][:2] == ids
