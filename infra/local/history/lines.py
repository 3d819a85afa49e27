"""JSON lines as items: sent on as they are. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from infra.local.history.json_rows import SENT_AS_IS
from infra.local.history.plan import Item, message_id, unusable_item
from infra.local.history.rows import Row
from services.events.intake.domain.objects import UNDECODABLE


class _Named(msgspec.Struct, rename="camel"):
    message_id: Any = None
    source: Any = None


_named = msgspec.json.Decoder(_Named)


class Lines:
    """In the place of a plan: nothing is to be told about lines that are events already."""

    def item(self, row: Row) -> Item:
        if row.flaw is not None:
            return unusable_item(row, row.flaw)
        text = row.values[SENT_AS_IS]
        body = text.encode()
        try:
            named = _named.decode(body)
        except UNDECODABLE:
            return Item(row.number, row.line, body, None)  # intake tells what spoils it
        source = named.source if isinstance(named.source, str) and named.source else None
        if named.message_id in (None, ""):
            rest = text.rstrip()[:-1].rstrip()
            comma = "" if rest == "{" else ","
            body = f'{rest}{comma}"messageId":"{message_id(row)}"}}'.encode()  # of two members the last one counts
        return Item(row.number, row.line, body, source)
