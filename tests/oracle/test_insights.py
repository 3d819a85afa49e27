"""The counting oracle on a map small enough to count by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.insights import Walk, gaps, insights, selected, walks
from tests.support.histories import DAY, EPOCH, plain_event

Json = dict[str, Any]


def version(number: int, *phases: str, since: int | None = None, **more: Any) -> Json:
    """A map whose phases have one touchpoint each, recognised by its name; `buy` is the goal."""
    return {
        "key": "shop",
        "phases": [
            {"key": key, "touchpoints": [{"key": f"at-{key}", "recognisedBy": f'name == "{key}"'}]} for key in phases
        ],
        "goal": 'name == "buy"',
        "cancelledWhen": 'name == "regret"',
        "scope": 'name == "chat"',
        "dropOffReasons": [{"reason": "EXTRA_COST", "when": 'name == "chat"'}],
        "patience": "P7D",
        "version": number,
        "effectiveFrom": None if since is None else f"2026-01-{1 + since:02}T00:00:00Z",
        "publishedAt": f"2025-12-{number:02}T00:00:00Z",
    } | more


def seen(day: float, name: str, channel: str | None = None, device: str | None = None, **more: Any) -> Json:
    at = EPOCH + int(day * DAY)
    return plain_event(f"{name}-{day}", name, at, channel=channel, device=device, **more)


MAP = version(1, "look", "buy", "use")
HISTORIES = {
    # Completed, with a chat between that changes the channel, and a step that does not know its device.
    "ann": [
        seen(0, "look", "web", "mobile", context={"variant": "blue"}),
        seen(1, "chat", "phone"),
        seen(3, "look", "web", "desktop", source="app"),
        seen(4, "buy", "web", "desktop"),
        seen(5, "use"),
    ],
    # Abandoned after a chat; a second run is still open.
    "bob": [seen(0, "look", device="mobile"), seen(1, "chat"), seen(9, "look", "web"), seen(10, "look", "web")],
    # Cancelled at once: the events give no channel.
    "cat": [seen(2, "use", context={"variant": 7}), seen(2.5, "regret")],
}


@pytest.fixture
def told() -> list[Walk]:
    return walks([MAP], HISTORIES, EPOCH + 11 * DAY)


def test_what_is_counted(told: list[Walk]) -> None:
    assert insights([MAP], told) == {
        "instances": 4,
        "byStatus": {"COMPLETED": 1, "ABANDONED": 1, "ACTIVE": 1, "CANCELLED": 1},
        "funnel": [("look", 4, 2, 1), ("buy", 2, 2, 0), ("use", 2, 0, 1)],
        "flow": {
            ("START", "at-look"): 3,
            ("START", "at-use"): 1,
            ("at-look", "at-look"): 2,
            ("at-look", "at-buy"): 1,
            ("at-buy", "at-use"): 1,
            ("at-use", "END:COMPLETED"): 1,
            ("at-look", "END:ABANDONED"): 1,
            ("at-use", "END:CANCELLED"): 1,
        },
        "hops": {
            "channel": {("web", "phone"): 1, ("phone", "web"): 1},
            "device": {("mobile", "desktop"): 1},
            "source": {("shop", "app"): 1, ("app", "shop"): 1},
        },
        "dropOffs": {
            ("look", "EXTRA_COST", "mobile"): [("bob", 1)],
            ("use", "UNKNOWN", None): [("cat", 1)],
        },
    }
    assert gaps(told) == {
        ("at-look", "at-look"): [DAY, 3 * DAY],
        ("at-look", "at-buy"): [DAY],
        ("at-buy", "at-use"): [DAY],
    }


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({}, [("ann", 1), ("bob", 1), ("bob", 2), ("cat", 1)]),
        ({"version": 1, "channel": None}, [("ann", 1), ("bob", 1), ("bob", 2), ("cat", 1)]),
        ({"version": 2}, []),
        ({"channel": "web"}, [("ann", 1), ("bob", 2)]),
        ({"device": "mobile"}, [("ann", 1), ("bob", 1)]),
        ({"device": "desktop"}, []),
        ({"source": "shop", "channel": "web", "device": "mobile"}, [("ann", 1)]),
        ({"variant": "blue"}, [("ann", 1)]),
        ({"variant": "7"}, []),
    ],
)
def test_a_filter_selects_by_the_first_step(told: list[Walk], where: Json, names: list[tuple[str, int]]) -> None:
    assert [one.name for one in selected(told, where=where)] == names


def test_a_period_is_half_open_and_looks_at_the_start(told: list[Walk]) -> None:
    later = EPOCH + 9 * DAY

    assert [one.name for one in selected(told, (EPOCH, later))] == [("ann", 1), ("bob", 1), ("cat", 1)]
    assert [one.name for one in selected(told, (later, None))] == [("bob", 2)]
    assert insights([MAP], told, (later + 1, None))["instances"] == 0


def test_a_step_without_a_channel_takes_its_touchpoints_unless_that_is_any() -> None:
    mailed = version(1, "look", "buy")
    mailed["phases"][0]["touchpoints"][0]["channel"] = "mail"
    mailed["phases"][1]["touchpoints"][0]["channel"] = "any"
    history = [seen(0, "look"), seen(1, "buy"), seen(2, "chat"), seen(3, "buy", "web")]

    told = walks([mailed], {"ann": history}, EPOCH + 4 * DAY)

    assert [[step["channel"] for step in one.steps] for one in told] == [["mail", None, None], ["web"]]
    assert insights([mailed], told)["hops"]["channel"] == {}


def test_an_instance_comes_as_far_as_its_own_version_says() -> None:
    versions = [version(1, "look", "try", "buy"), version(2, "buy", "look", "use", since=2)]
    told = walks(versions, {"ann": [seen(0, "look")], "bob": [seen(3, "buy"), seen(4, "use")]}, EPOCH + 5 * DAY)

    assert insights(versions, told)["funnel"] == [
        ("buy", 1, 1, 0),
        ("look", 2, 1, 0),
        ("use", 1, 0, 0),
        ("try", 0, 0, 0),
    ]
    assert insights(versions, told, where={"version": 1})["funnel"] == [
        ("look", 1, 0, 0),
        ("try", 0, 0, 0),
        ("buy", 0, 0, 0),
    ]
