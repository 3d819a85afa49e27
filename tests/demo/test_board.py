"""The board, drawn where there is no terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from infra.demo.board import Board, beliefs_of, lines_of
from infra.demo.maps import BUYING, CHECKOUT, SERVICE
from infra.demo.scene import JourneyView, Scene

NOTHING: dict[str, Any] = {"instances": 0, "byStatus": [], "funnel": [], "flow": {"edges": []}, "dropOffs": []}
SOMETHING: dict[str, Any] = {
    "instances": 10,
    "byStatus": [{"status": "COMPLETED", "count": 6}, {"status": "ABANDONED", "count": 4}],
    "funnel": [{"phase": "cart", "reached": 10, "dropped": 4}, {"phase": "ordered", "reached": 6, "dropped": 0}],
    "flow": {
        "edges": [
            {"from": "START", "to": "cart-viewed", "count": 10},
            {"from": "cart-viewed", "to": "order-completed", "count": 6},
            {"from": "cart-viewed", "to": "cart-viewed", "count": 5},
            {"from": "order-completed", "to": "END:COMPLETED", "count": 6},
        ]
    },
    "dropOffs": [
        {"phase": "cart", "reason": "EXTRA_COST", "device": "mobile", "count": 3},
        {"phase": "cart", "reason": "UNKNOWN", "device": None, "count": 1},
    ],
}


def view(name: str, insights: dict[str, Any], *hypotheses: dict[str, Any]) -> JourneyView:
    phases = [{"key": "cart", "name": "Cart"}, {"key": "ordered", "name": "Ordered"}]
    return JourneyView({"name": name, "phases": phases, "hypotheses": list(hypotheses)}, insights)


def scene() -> Scene:
    belief = {"statement": "Nobody minds the cost.", "measure": "share with reason EXTRA_COST", "claim": 0.05}
    other = {"statement": "Half order.", "measure": "rate of reaching ordered from cart", "claim": 0.5}
    journeys = {
        BUYING: view("Buying", NOTHING, belief),
        CHECKOUT: view("Checkout", SOMETHING, belief, other),
        SERVICE: view("Service", NOTHING),
    }
    return Scene(journeys, speed=1_440, elapsed=90_000, sent=12, refused=1)


def change(status: str, phase: str = "Cart", **more: Any) -> dict[str, Any]:
    identifiers = [{"type": "anonymous_id", "value": "a"}, {"type": "user_id", "value": "sim-1"}]
    instance = {"status": status, "phase": {"name": phase}, "dropOff": None, "customer": {"identifiers": identifiers}}
    return {"correction": False, "instance": instance | more}


def drawn(shown: Scene, width: int, height: int = 50) -> str:
    console = Console(record=True, width=width, height=height, force_terminal=False, file=StringIO())
    console.print(Board(shown))
    return console.export_text()


def test_a_wide_board_shows_all_journeys_side_by_side() -> None:
    shown = scene()
    shown.hears_change(CHECKOUT, change("ACTIVE"))
    board = drawn(shown, 160)
    assert max(map(len, board.splitlines())) == 160
    for text in (
        "Simulated shop  day 2, 10:00  (time passes 1440 times as fast)  12 events sent, 1 refused",
        "Buying",
        "nobody yet",
        "6 completed  4 abandoned",
        "10 -4",
        "6 cart-viewed → order-completed",
        "3 extra cost Cart, mobile",
        "1 unknown Cart, no device",
        "Checkout: sim-1 is in Cart",
    ):
        assert text in board
    assert "START" not in board
    assert "cart-viewed → cart-viewed" not in board


def test_a_low_board_leaves_out_what_happens_now() -> None:
    assert "Waiting for the first change" in drawn(scene(), 160, 32)
    assert "Waiting for the first change" not in drawn(scene(), 160, 31)


def test_a_narrow_board_shows_the_checkout() -> None:
    lines = drawn(scene(), 80, 24).splitlines()
    assert max(map(len, lines)) == 80
    assert len(lines) <= 24
    assert [line.rstrip() for line in lines[-2:]] == ["Buying: nobody yet", "Service: nobody yet"]


def test_names_are_no_markup() -> None:
    shown = scene()
    shown.journeys[BUYING].document["name"] = "[red]Buying"
    assert "[red]Buying: nobody yet" in drawn(shown, 80)


def test_without_a_terminal_there_are_lines() -> None:
    shown = scene()
    shown.trouble = "Nobody answers."
    assert lines_of(shown) == [
        "day 2, 10:00: 12 events sent, 1 refused. Nobody answers.",
        "  Buying: nobody yet",
        "  Checkout: 6 completed, 4 abandoned; most leave for extra cost in Cart (3)",
        "  Service: nobody yet",
    ]


def test_beliefs_stand_beside_what_is_seen() -> None:
    assert beliefs_of(scene()) == [
        "“Nobody minds the cost.” Nobody has left yet.",
        "“Nobody minds the cost.” Claimed 5%, seen 75% of 4.",
    ]


def test_insights_replace_those_before() -> None:
    shown = scene()
    shown.hears_insights(BUYING, SOMETHING)
    assert shown.journeys[BUYING].instances == 10


def test_changes_in_words_the_latest_first() -> None:
    shown = scene()
    lost = {"dropOff": {"reason": "EXTRA_COST"}, "customer": {"identifiers": [{"type": "anonymous_id", "value": "a"}]}}
    for one in (
        change("ACTIVE"),
        change("ACTIVE", "Ordered"),
        change("COMPLETED", "Ordered", customer=None),
        change("COMPLETED", "Ordered", customer=None),
        change("ABANDONED", **lost),
        change("PAUSED") | {"correction": True},
        change("PAUSED") | {"instance": None},
    ):
        shown.hears_change(CHECKOUT, one)
    assert list(shown.changes) == [
        "Checkout: a abandoned in Cart: extra cost",
        "Checkout: somebody completed in Ordered",
        "Checkout: sim-1 is in Ordered",
        "Checkout: sim-1 is in Cart",
    ]
