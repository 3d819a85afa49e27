"""Every insight of a few runs over a small map, counted by hand."""

from __future__ import annotations

from services.events.insights.domain import meaning
from services.events.insights.domain.insights import DropOff, FunnelStep, Hop, StatusCount
from tests.events.insights.rows import dropped, tallied, walk
from tests.support.histories import DAY, EPOCH

PHASES = {1: ["look", "buy", "use"]}
ENDED = {"ended_at": EPOCH + DAY}

WALKS = [
    # viewed on the phone, off the map on it, paid at the till three hours later, used a day after that
    walk(
        "a",
        {"hours": 0, "touchpoint": "viewed", "channel": "web", "device": "mobile"},
        {"hours": 1, "channel": "app", "device": "mobile"},
        {"hours": 3, "touchpoint": "paid", "channel": "shop", "source": "till"},
        {"hours": 27, "touchpoint": "used", "channel": "web", "device": "desktop"},
        status="COMPLETED",
        furthest="use",
        **ENDED,
    ),
    # viewed, went back and forth, and abandoned the cart
    walk(
        "b",
        {"hours": 0, "touchpoint": "viewed", "channel": "web", "device": "mobile"},
        {"hours": 1, "touchpoint": "cart", "channel": "web"},
        {"hours": 2, "touchpoint": "viewed", "channel": "web", "device": "mobile"},
        {"hours": 12, "touchpoint": "cart"},
        **dropped("buy", "EXTRA_COST"),
    ),
    # got as far as using it, then went back to look: the drop-off is there, the furthest phase is not
    walk(
        "c",
        {"hours": 0, "touchpoint": "used", "channel": "web"},
        {"hours": 4, "touchpoint": "viewed", "channel": "web"},
        **dropped("look", furthest="use"),
    ),
    walk("d", {"hours": 0, "touchpoint": "viewed", "device": "mobile"}, **dropped("look", "PAUSED", "CANCELLED")),
    walk("e", {"hours": 0, "touchpoint": "viewed", "device": "mobile"}, **dropped("look", "PAUSED", "RETURNED")),
    walk("f", {"hours": 0, "touchpoint": "cart"}, phase="buy", furthest="buy"),
]


def test_every_insight_of_a_small_map() -> None:
    found = meaning(tallied(WALKS).by_version(), PHASES)
    hour = 3_600_000_000
    assert found.instances == 6
    assert found.by_status == [
        StatusCount("ACTIVE", 1),
        StatusCount("COMPLETED", 1),
        StatusCount("ABANDONED", 2),
        StatusCount("CANCELLED", 1),
        StatusCount("RETURNED", 1),
    ]
    assert found.funnel == [
        FunnelStep("look", reached=6, continued=4, dropped=2),
        FunnelStep("buy", reached=4, continued=2, dropped=1),
        FunnelStep("use", reached=2, continued=0, dropped=1),
    ]
    edges = {(edge.from_, edge.to): edge.count for edge in found.flow}
    assert edges == {
        ("START", "viewed"): 4,
        ("START", "used"): 1,
        ("START", "cart"): 1,
        ("viewed", "cart"): 2,
        ("cart", "viewed"): 1,
        ("viewed", "paid"): 1,
        ("paid", "used"): 1,
        ("used", "viewed"): 1,
        ("used", "END:COMPLETED"): 1,
        ("cart", "END:ABANDONED"): 1,
        ("viewed", "END:ABANDONED"): 1,
        ("viewed", "END:CANCELLED"): 1,
        ("viewed", "END:RETURNED"): 1,
    }
    assert [edge.from_ for edge in found.flow[:3]] == ["START", "viewed", "START"]
    for pair, exact in {("viewed", "cart"): 5.5 * hour, ("viewed", "paid"): 3 * hour, ("paid", "used"): DAY}.items():
        [gap] = [edge.median_gap for edge in found.flow if (edge.from_, edge.to) == pair]
        assert gap is not None
        assert abs(gap - exact) <= 0.02 * exact
    assert {edge.to if edge.from_ == "START" else edge.from_ for edge in found.flow if edge.median_gap is None} == {
        "viewed",
        "used",
        "cart",
    }
    assert found.hops == {
        "channel": [Hop("app", "shop", 1), Hop("shop", "web", 1), Hop("web", "app", 1)],
        "device": [Hop("mobile", "desktop", 1)],
        "source": [Hop("site", "till", 1), Hop("till", "site", 1)],
    }
    assert found.drop_offs == [
        DropOff("look", "PAUSED", "mobile", 2),
        DropOff("buy", "EXTRA_COST", "mobile", 1),
        DropOff("look", "UNKNOWN", None, 1),
    ]


def test_each_instance_is_in_the_funnel_by_the_order_of_its_own_version() -> None:
    """Version 2 has dropped the first phase and swapped the others."""
    walks = [
        walk("a", {"hours": 0, "touchpoint": "viewed"}, **dropped("wish")),
        walk("b", {"hours": 0, "touchpoint": "viewed"}, furthest="buy"),
        walk("c", {"hours": 0, "touchpoint": "viewed"}, furthest="buy", version=2),
        walk("d", {"hours": 0, "touchpoint": "viewed"}, furthest="look", version=2),
    ]
    phases = {1: ["wish", "look", "buy"], 2: ["buy", "look"]}
    assert meaning(tallied(walks).by_version(), phases).funnel == [
        FunnelStep("buy", reached=1 + 2, continued=0 + 1, dropped=0),
        FunnelStep("look", reached=1 + 1, continued=1 + 0, dropped=0),
        FunnelStep("wish", reached=2, continued=1, dropped=1),
    ]


def test_of_nobody_there_are_the_phases_alone() -> None:
    found = meaning({}, PHASES)
    assert (found.instances, found.by_status, found.flow, found.drop_offs) == (0, [], [], [])
    assert found.funnel == [FunnelStep(phase, 0, 0, 0) for phase in PHASES[1]]
    assert found.hops == {"channel": [], "device": [], "source": []}
    assert meaning({}, {}).funnel == []
