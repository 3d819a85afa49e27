"""The channel of an event that names none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.events.intake.calls import event_of, judge_input, track

BROWSER = {"library": {"name": "analytics.js", "version": "npm:next-1.84.3"}}
PAGE = {"page": {"url": "https://shop.example/chairs", "path": "/chairs"}}
APP = {"device": {"type": "android"}, "library": {"name": "analytics-kotlin"}}
SERVER = {"library": {"name": "analytics-python", "version": "2.4.0"}}


def mailed(medium: object) -> dict[str, Any]:
    return {"campaign": {"name": "Spring", "source": "newsletter", "medium": medium}}


@pytest.mark.parametrize(
    ("call", "channel"),
    [
        ({"context": BROWSER}, "web"),
        ({"context": {"library": {"name": "RudderLabs JavaScript SDK"}}}, "web"),
        ({"context": PAGE}, "web"),
        ({"context": APP}, "app"),
        ({"context": {"device": {"type": "iOS"}}}, "app"),
        ({"context": {"device": {"type": "mobile"}}}, None),
        ({"context": SERVER}, None),
        ({"type": "page"}, "web"),
        ({"type": "screen"}, "app"),
        ({"type": "screen", "context": BROWSER}, "web"),
        ({"type": "identify"}, None),
        ({"context": mailed("email")}, "email"),
        ({"context": SERVER | mailed("Social")}, "social"),
        ({"context": mailed("cpc")}, None),
        ({"context": mailed(["email"])}, None),
        ({"context": BROWSER | mailed("email")}, "web"),
        ({"context": PAGE | mailed("email")}, "web"),
        ({"type": "page", "context": mailed("email")}, "web"),
        ({"context": {"page": {"url": None}, "library": [], "campaign": "email", "device": {"type": 5}}}, None),
        ({"context": {"library": {"name": ["analytics.js"]}}}, None),
        ({}, None),
    ],
)
def test_what_a_call_gives_away(call: dict[str, Any], channel: str | None) -> None:
    assert event_of(track(**call)).channel == channel


@pytest.mark.parametrize("said", [{"channel": "shop"}, {"context": BROWSER | {"channel": "shop"}}])
def test_who_says_it_is_believed(said: dict[str, Any]) -> None:
    assert event_of(track(**{"context": BROWSER} | said), default_channel="fair").channel == "shop"


def test_a_source_may_know_better() -> None:
    assert event_of(track(context=BROWSER), default_channel="fair").channel == "fair"


def test_inputs_give_it_away_too() -> None:
    given = {"name": "Seen", "identifiers": [{"type": "user_id", "value": "u"}], "context": PAGE}
    found = [judge_input(given), judge_input(given | {"channel": "chat"}), judge_input(given, default_channel="fair")]
    assert [None if isinstance(one, tuple) else one.channel for one in found] == ["web", "chat", "fair"]
