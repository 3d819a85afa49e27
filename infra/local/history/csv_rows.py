"""CSV as other systems write it: with a header, any usual delimiter, quotes and line breaks inside fields."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from infra.local.history.failures import FileUnusable
from infra.local.history.files import LONGEST_LINE, Source, texts
from infra.local.history.rows import Row, unusable

_DELIMITERS = ",;\t|"
_MOST_COLUMNS = 16_384
"""As spreadsheets have them."""


class Dialect(NamedTuple):
    encoding: str = "utf-8"
    delimiter: str | None = None
    """None: the one that the header has most of."""


class CsvRows:
    def __init__(self, source: Source, dialect: Dialect) -> None:
        """Raises FileUnusable for a header that names no columns, or one twice."""
        self._source = source
        self._begins = 1
        """Where the record that is being read begins."""
        self._length = 0
        self._is_read = False
        """Whether the last line has been read: an error then is a record that goes on behind it."""
        self._lines = texts(source, dialect.encoding)
        first = next(self._lines, (1, ""))[1]
        csv.field_size_limit(LONGEST_LINE)  # it knows no limit of a reader; shorter records are for intake to judge
        delimiter = dialect.delimiter or max(_DELIMITERS, key=_outside_quotes(first).count)
        self._read = csv.reader(self._texts(first), delimiter=delimiter, strict=True)
        self.columns = self._header()

    def __iter__(self) -> Iterator[Row]:
        number = 0
        while True:
            self._length = 0
            line = self._begins = self._read.line_num + 1
            try:
                fields = next(self._read)
            except StopIteration:
                return
            except csv.Error as error:
                if self._is_read:
                    raise self._endless() from error
                number += 1
                yield Row(number, line, {}, f"this is no CSV: {error}")
                continue
            if not fields:  # a blank line
                continue
            number += 1
            if len(fields) != len(self.columns):
                flaw = f"there are {len(fields)} fields, and {len(self.columns)} columns"
                yield Row(number, line, {"fields": fields}, flaw)
                continue
            yield Row(number, line, {name: field for name, field in zip(self.columns, fields, strict=True) if field})

    def _header(self) -> list[str]:
        try:
            names = next(self._read, [])
        except csv.Error as error:
            raise unusable(self._source.path, 1, f"this is no CSV: {error}.") from error
        names = [name.strip() or f"column {number}" for number, name in enumerate(names, 1)]
        if not names:
            raise unusable(self._source.path, 1, "there is no header that names the columns.")
        if len(names) > _MOST_COLUMNS:
            raise unusable(self._source.path, 1, f"a table has at most {_MOST_COLUMNS:,} columns.")
        if twice := next((name for name, times in Counter(names).items() if times > 1), None):
            raise unusable(self._source.path, 1, f"two columns are named {twice!r}.")
        return names

    def _texts(self, first: str) -> Iterator[str]:
        """What csv reads. A quote that is never closed must not swallow the rest of the file."""
        yield first
        for _number, text in self._lines:
            self._length += len(text)
            if self._length > LONGEST_LINE:
                raise self._endless()
            yield text
        self._is_read = True

    def _endless(self) -> FileUnusable:
        return unusable(
            self._source.path, self._begins, "the record that begins here does not come to an end. Is a quote missing?"
        )


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])
