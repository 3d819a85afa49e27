"""Journeys to test with, as JourneyInput documents."""

from __future__ import annotations

from typing import Any


def touchpoint(key: str, rule: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "recognisedBy": rule or f'name == "{key.title()}"'} | fields


def phase(key: str, *touchpoints: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "touchpoints": list(touchpoints)} | fields


def journey(key: str = "order", **fields: Any) -> dict[str, Any]:
    """A complete journey of two phases; `fields` replace or add, and None takes one away."""
    whole = {
        "key": key,
        "name": "Order a bicycle",
        "phases": [phase("look", touchpoint("viewed")), phase("buy", touchpoint("ordered"))],
        "goal": 'name == "Ordered"',
    } | fields
    return {name: value for name, value in whole.items() if value is not None}
