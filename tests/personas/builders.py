"""Personas to test with, as PersonaInput documents."""

from __future__ import annotations

from typing import Any


def evidence(rung: str = "RESEARCH", **fields: Any) -> dict[str, Any]:
    return {"rung": rung, "kind": "interviews", "summary": "What twelve commuters said"} | fields


def item(text: str, *rungs: str) -> dict[str, Any]:
    return {"text": text, "evidence": [evidence(rung) for rung in rungs]}


def persona(key: str = "commuter", **fields: Any) -> dict[str, Any]:
    """A small persona; `fields` replace or add, and None takes one away."""
    whole = {
        "key": key,
        "name": "Commuter",
        "goals": [item("Cycle to work", "CUSTOMER_DRAWN")],
        "matches": 'traits.segment == "commuter" && count("Ride Planned", "P30D") >= 8',
    } | fields
    return {name: value for name, value in whole.items() if value is not None}
