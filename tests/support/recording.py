"""Plain events as the log holds them."""

from __future__ import annotations

from typing import Any

import msgspec

from services.events.intake.slots import Recorded

Json = dict[str, Any]


def recorded(plain: Json) -> Recorded:
    """A plain event of tests.support.histories (with `identifiers` and `verified`) as intake would have logged it."""
    return Recorded(
        source=plain["source"],
        message_id=plain["messageId"],
        kind=plain["kind"],
        name=plain["name"],
        channel=plain["channel"],
        device=plain["device"],
        identifiers=tuple((type, value) for type, value in plain["identifiers"]),
        verified=plain["verified"],
        occurred_at=plain["occurredAt"],
        original_timestamp=plain["occurredAt"],
        sent_at=None,
        received_at=plain["occurredAt"],
        clamped=False,
        sequence=plain["sequence"] if plain["sequence"] is not None else plain["context"].get("sequence"),
        properties=msgspec.json.encode(plain["properties"]),
        context=msgspec.json.encode(plain["context"]),
        traits=msgspec.json.encode(plain["traits"]),
    )
