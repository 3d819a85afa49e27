"""How the rows of a file become events: what is told of its columns, and what can be guessed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from infra.local.history.failures import BadMapping
from infra.local.history.rows import Row, shown
from infra.local.history.targets import Target, read_target
from infra.local.history.values import CONVERSIONS, Meaningless, Times

_CASE = "case:concept:name"
_USUAL = {"concept:name": "name", "time:timestamp": "occurredAt", _CASE: "identifiers.user_id"}
"""As XES and its tables name them."""
_ANEW = frozenset({"id", "customer", "receivedAt"})
"""What our own exports say of an event besides itself."""
_DEPENDENT = _ANEW | {_CASE}
"""What becomes of these depends on the columns beside them."""
_LONGEST = 1 << 20
_MOST_SHOWN = 32 * 1024
_MOST_COLUMNS_TOLD = 50
_LONGEST_COLUMN_TOLD = 80
_encode = msgspec.json.encode


class Item(NamedTuple):
    """One event as it is sent."""

    number: int
    line: int
    body: bytes
    source: str | None
    """The one that the file names; None: that of the import."""
    flaw: str | None = None
    """Why nothing can be made of it; then the body only shows what is there, and will be kept as rejected."""


class Plan(NamedTuple):
    columns: Mapping[str, Target | None] = {}
    """What is told of some; None: left out."""
    constants: Mapping[str, str] = {}
    """What is the same in all events, by target."""
    keeps_others: bool = True
    """Whether columns of which nothing is known become properties of their own name."""
    times: Times = Times()

    def target(self, column: str, columns: Collection[str]) -> Target | None:
        """What a column becomes, one of several; None if it is left out."""
        if column in self.columns:
            return self.columns[column]
        if column in _ANEW and "messageId" in columns:
            return None
        if column == _CASE and any(name.startswith("identifiers") for name in columns):
            return None
        usual = self._usual(column)
        if usual is not None:
            return usual
        return Target("properties", column) if self.keeps_others else None

    def check(self, columns: Sequence[str], *, are_all: bool) -> None:
        """Raises BadMapping unless these columns tell of every event what, when and about whom.

        If they are not all there are, but those of the first rows, one that was named may yet come.
        """
        absent = [column for column in self.columns if column not in columns and are_all]
        if absent:
            there = ", ".join(shown(column, _LONGEST_COLUMN_TOLD) for column in columns[:_MOST_COLUMNS_TOLD])
            raise BadMapping(f"There is no column {absent[0]!r}. There are: {there}.")
        known = dict.fromkeys([*columns, *self.columns])
        targets = [target for column in known if (target := self.target(column, columns)) is not None]
        targets += [target for place in self.constants if (target := read_target(place)) is not None]
        places = [target.place for target in targets]
        if twice := next((place for place, times in Counter(places).items() if times > 1), None):
            raise BadMapping(f"Two columns become {twice!r}. Leave one out, or let it be a property.")
        if both := {target.member for target in targets if target.inner is not None}.intersection(places):
            raise BadMapping(f"One column becomes all of {min(both)!r}, another a part of it. Leave one out.")
        members = {target.member for target in targets}
        for member, what, example in (
            ("name", "what happened", "name"),
            ("occurredAt", "when it happened", "occurredAt"),
            ("identifiers", "about whom it is", "identifiers.user_id"),
        ):
            if member not in members:
                raise BadMapping(f"No column tells {what}. Name it: --column 'COLUMN={example}'.")

    def _usual(self, column: str) -> Target | None:
        """What a column becomes that is named like a member, or as in XES, unless another one becomes that."""
        try:
            target = read_target(_USUAL.get(column, column))
        except BadMapping:
            return None
        if target is None:
            return None
        told = [other for other in self.columns.values() if other is not None]
        taken = {other.place for other in told} | self.constants.keys()
        if target.place in taken or (column == _CASE and any(other.member == "identifiers" for other in told)):
            return None
        return target


_Parts = dict[str, Any]
"""Members of which a row tells parts: lists and objects that were made of these alone."""


class Making:
    """Makes events of rows by a plan. It asks the plan once for each column."""

    def __init__(self, plan: Plan, columns: Collection[str] | None) -> None:
        """`columns` are all there are; None if rows may have others."""
        self._plan = plan
        self._columns = columns
        self._targets: dict[str, Target | None] = {}
        self._constants = [(read_target(place), text) for place, text in plan.constants.items()]

    def item(self, row: Row) -> Item:
        """The event of a row. It has a message id, always the same, so that it counts once however often it is sent."""
        if row.flaw is not None:
            return unusable_item(row, row.flaw)
        event: dict[str, Any] = {}
        parts: _Parts = {}
        try:
            for target, text in self._constants:
                self._put(event, parts, target, text)
            for column, value in row.values.items():
                self._put(event, parts, self._target(column, row.values), value)
            source = event.pop("source", None)
            if not isinstance(source, str | None):
                raise Meaningless("the name of a source is a text")
        except Meaningless as error:
            return unusable_item(row, str(error))
        event.setdefault("messageId", message_id(row))
        body = _encode(event)
        if len(body) > _LONGEST:
            return unusable_item(row, f"as an event it would have {len(body):,} bytes")
        return Item(row.number, row.line, body, source)

    def _target(self, column: str, of_row: Collection[str]) -> Target | None:
        if self._columns is None and column in _DEPENDENT:
            return self._plan.target(column, of_row)
        if column not in self._targets:
            self._targets[column] = self._plan.target(column, self._columns or (column,))
        return self._targets[column]

    def _put(self, event: dict[str, Any], parts: _Parts, target: Target | None, value: Any) -> None:
        if target is None:
            return
        if isinstance(value, str):
            if target.member == "occurredAt":
                value = self._plan.times.read(value)
            elif target.type is not None:
                value = CONVERSIONS[target.type](value)
        is_part = target.inner is not None
        if target.member in (event.keys() - parts.keys() if is_part else parts):
            raise Meaningless(f"one column is all of {target.member!r}, another a part of it")
        if not is_part:
            event[target.member] = value
        elif target.member == "identifiers":
            listed = event["identifiers"] = parts.setdefault("identifiers", [])
            listed.append({"type": target.inner, "value": value})
        else:
            gathered = event[target.member] = parts.setdefault(target.member, {})
            gathered[target.inner] = value


def message_id(row: Row) -> str:
    """From the row's place and content, so that a file that has grown brings only what is new."""
    content = b"%d\x00" % row.number + _encode(row.values)
    return f"import-{blake2b(content, digest_size=16).hexdigest()}"


def unusable_item(row: Row, flaw: str) -> Item:
    """What shows that nothing can be made of a row: it is sent to be refused, and so is kept."""
    shown = {"messageId": message_id(row), "unusable": flaw, "line": row.line}
    body = _encode(shown | {"row": row.values})
    if len(body) > _MOST_SHOWN:
        body = _encode(shown | {"begins": _encode(row.values)[:_MOST_SHOWN].decode(errors="ignore")})
    return Item(row.number, row.line, body, None, flaw)
