"""XES (IEEE 1849): each event with its own attributes and, as `case:...`, those of its trace.

Read with expat as it comes, so a log of any length takes no more room than one trace's own attributes and the events
of one chunk. A document type is refused:
without one there are no entities to be expanded, and nothing outside of the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

import msgspec

from infra.local.history.files import Source
from infra.local.history.rows import Row, unusable
from infra.local.history.values import NUMBER

CASE = "case:"
_CHUNK = 64 * 1024
_LONGEST_TAG = 1 << 20
_LONGEST_EVENT = 1 << 20
_SHORTEST_TAG = 16  # `<int key="k"/>`, about; attributes that say nothing take room too
_DEEPEST = 64
_DEEPEST_TAG = 4 * _DEEPEST  # attributes may stand in tags of their own, such as <values>
_SCALARS = frozenset({"string", "date", "int", "float", "boolean", "id"})
_MANY = frozenset({"list", "container"})


class _Attribute:
    """One that is open; the values of a list or container gather in it."""

    def __init__(self, type: str, key: str, value: Any) -> None:
        self.key = key
        self.value: Any = [] if type == "list" else {} if type == "container" else value

    def take(self, inner: _Attribute) -> None:
        """What stands inside a value that is no list is about the attribute, not about the event."""
        if isinstance(self.value, list):
            self.value.append(inner.value)
        elif isinstance(self.value, dict):
            self.value[inner.key] = inner.value


class _Read(NamedTuple):
    """An event. What its trace said before it is put to it only as it is given away: it may be much, for many."""

    line: int
    values: dict[str, Any]
    trace: list[tuple[str, Any]]
    """Grows on while the trace is read."""
    said: int
    """How much of it stood before the event."""

    def row(self, number: int) -> Row:
        return Row(number, self.line, dict(self.trace[: self.said]) | self.values)


class XesRows:
    columns: list[str] | None = None

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._trace: list[tuple[str, Any]] = []
        self._in_trace = False
        self._event: dict[str, Any] | None = None
        self._line = 0
        self._event_length = 0
        self._trace_length = 0
        """Of what a trace says itself, or the log."""
        self._depth = 0
        self._number = 0
        self._open: list[_Attribute] = []
        self._done: list[_Read] = []
        self._is_log = False

    def __iter__(self) -> Iterator[Row]:
        fed = 0
        for chunk in self._source.chunks(_CHUNK):
            self._parse(chunk, is_last=False)
            fed += len(chunk)
            if fed - self._parser.CurrentByteIndex > _LONGEST_TAG:
                raise self._unusable(f"a tag has at most {_LONGEST_TAG:,} bytes.")
            yield from self._rows()
        self._parse(b"", is_last=True)
        yield from self._rows()

    def _rows(self) -> Iterator[Row]:
        for read in self._done:
            self._number += 1
            yield read.row(self._number)
        self._done = []

    def _parse(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            raise self._unusable(f"this is no XML: {expat.errors.messages[error.code]}.") from error

    def _doctype(self, *_declared: object) -> None:
        raise self._unusable("a document type is refused, because of what its entities can do.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._depth += 1
        if self._depth > _DEEPEST_TAG:
            raise self._unusable(f"tags stand inside each other more than {_DEEPEST_TAG} deep.")
        if not self._is_log:
            if name != "log":
                raise self._unusable(f"this is no XES: its root is {name!r}.")
            self._is_log = True
        elif name == "trace":
            self._trace, self._trace_length, self._in_trace = [], 0, True
        elif name == "event":
            self._event, self._event_length = {}, 0
            self._line = self._parser.CurrentLineNumber
        elif name in _SCALARS or name in _MANY:
            if len(self._open) >= _DEEPEST:
                raise self._unusable(f"attributes stand inside each other more than {_DEEPEST} deep.")
            key, text = attributes.get("key", ""), attributes.get("value", "")
            self._measure(len(key) + len(text) + _SHORTEST_TAG)
            self._open.append(_Attribute(name, key, _value(name, text)))

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        self._depth -= 1
        if name == "trace":
            self._trace, self._in_trace = [], False
        elif name == "event" and self._event is not None:
            self._done.append(_Read(self._line, self._event, self._trace, len(self._trace)))
            self._event = None
        elif self._open and (name in _SCALARS or name in _MANY):
            self._close(self._open.pop())

    def _close(self, attribute: _Attribute) -> None:
        if self._open:
            self._open[-1].take(attribute)
            return
        if self._event is not None:
            self._event[attribute.key] = attribute.value
        elif self._in_trace:  # else of the log as a whole, or a default
            self._trace.append((CASE + attribute.key, attribute.value))

    def _measure(self, length: int) -> None:
        """Each has its own measure: a trace goes on behind its events."""
        if self._event is None:
            self._trace_length += length
        else:
            self._event_length += length
        if max(self._event_length, self._trace_length) > _LONGEST_EVENT:
            raise self._unusable(f"an event or a trace says at most {_LONGEST_EVENT:,} characters.")

    def _unusable(self, reason: str) -> Exception:
        return unusable(self._source.path, self._parser.CurrentLineNumber, reason)


def _value(type: str, text: str) -> Any:
    """Numbers keep the digits they were written with; what JSON has no word for, such as NaN, stays a text."""
    if type == "boolean":
        return text.strip().lower() in ("true", "1")
    if type in ("int", "float") and NUMBER.fullmatch(text):
        return msgspec.Raw(text.encode())
    return text
