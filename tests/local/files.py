"""Files as other systems leave them, and what is read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.local.history import told
from infra.local.history.files import Source
from infra.local.history.plan import Item
from infra.local.history.rows import Row

Json = dict[str, Any]


def rows_of(path: Path, **options: Any) -> list[Row]:
    order = told.order(path, None, told.read_told(options), None)
    with Source(path) as file:
        return list(order.rows(file))


def items_of(path: Path, **options: Any) -> list[Item]:
    order = told.order(path, None, told.read_told(options), None)
    with Source(path) as file:
        return list(order.items(order.rows(file)))


def events_of(path: Path, **options: Any) -> list[Json]:
    """The events, without the message ids that were made up."""
    found = []
    for item in items_of(path, **options):
        assert item.flaw is None, item
        event: Json = json.loads(item.body)
        if event["messageId"].startswith("import-"):
            del event["messageId"]
        found.append(event)
    return found


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
