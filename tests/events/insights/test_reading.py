"""Insights over the internal routes: who answers, what a filter lets pass, and the instances behind a drop-off."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from services.events import tables
from services.events.insights.domain import meaning
from services.events.insights.schemas import insights_document
from tests.events.insights.rows import BUY, LOOK, USE, Walk, dropped, fill, journey, tallied, walk
from tests.support.state import State

Json = dict[str, Any]

READ, DROP_OFFS = "/internal/insights/read", "/internal/insights/drop-offs"
WHOLE_DAYS = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-04T01:00:00+01:00"}
PART_OF_A_DAY = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-03T12:00:00Z"}

WALKS = [
    walk(
        f"customer {number:03}",
        {
            "hours": number * 5,
            "touchpoint": "viewed",
            "channel": ("web", "app")[number % 2],
            "device": (None, "mobile", "desktop")[number % 3],
            "source": ("site", "till")[number % 2],
        },
        {"hours": number * 5 + 2, "touchpoint": "cart", "channel": "web"},
        partition=number % 16,
        version=1 + number // 18,
        variant=(None, "A")[number % 2],
        **([{}, dropped("look"), dropped("look", "EXTRA_COST"), dropped("buy", status="CANCELLED")][number % 4]),
    )
    for number in range(36)
]
"""From 1 January 2026 on, every five hours one."""


async def filled(state: State) -> None:
    await state.publish(journey(), journey(version=2))  # the first build, as the walks name it
    await state.publish(journey("empty"))
    await fill(state, WALKS)


async def read(state: State, *journeys: str, **selection: Any) -> list[Json | None]:
    found: list[Json | None] = (await state.post(READ, journeys=list(journeys), **selection))["insights"]
    return found


async def of_shop(state: State, **selection: Any) -> Json:
    [found] = await read(state, "shop", **selection)
    assert found is not None
    return found


def started_between(first: int, end: int) -> list[Walk]:
    """By hours after the first of January."""
    return WALKS[-(-first // 5) : -(-end // 5)]


@pytest.mark.parametrize(
    ("selection", "answered_by", "chosen"),
    [
        ({}, "counters", WALKS),
        ({"period": None, "where": None}, "counters", WALKS),
        ({"period": {}}, "counters", WALKS),
        ({"period": WHOLE_DAYS}, "counters", started_between(24, 72)),
        ({"period": {"from": "2026-01-02T00:00:00Z"}}, "counters", started_between(24, 1_000)),
        ({"period": {"to": "2026-01-02T00:00:00Z"}}, "counters", started_between(0, 24)),
        ({"period": {"to": "2026-01-02T00:00:00.000001Z"}}, "instances", started_between(0, 25)),
        ({"period": PART_OF_A_DAY}, "instances", started_between(24, 60)),
        ({"period": {"from": "2026-01-04T00:00:00Z", "to": "2026-01-02T00:00:00Z"}}, "counters", []),
        ({"where": {"version": 2}}, "counters", [one for one in WALKS if one[0].version == 2]),
        ({"where": {"version": 3}}, "counters", []),
        ({"where": {"channel": "web"}}, "counters", [one for one in WALKS if one[0].channel == "web"]),
        ({"where": {"device": "mobile"}}, "counters", [one for one in WALKS if one[0].device == "mobile"]),
        ({"where": {"source": "till"}}, "counters", [one for one in WALKS if one[0].source == "till"]),
        ({"where": {"variant": "A"}}, "counters", [one for one in WALKS if one[0].variant == "A"]),
        ({"where": {"variant": ""}}, "counters", []),
        ({"where": {"variant": "x" * 256}}, "instances", []),
        (
            {"where": {"version": 1, "channel": "web", "device": "mobile"}},
            "instances",
            [one for one in WALKS if (one[0].version, one[0].channel, one[0].device) == (1, "web", "mobile")],
        ),
        (
            {"period": PART_OF_A_DAY, "where": {"variant": "A"}},
            "instances",
            [one for one in started_between(24, 60) if one[0].variant == "A"],
        ),
    ],
)
async def test_a_filter_selects_instances(
    database_url: str, selection: Json, answered_by: str, chosen: list[Walk]
) -> None:
    """Whoever answers, what a selection says is what its instances alone would say."""
    version = (selection.get("where") or {}).get("version")
    async with State(database_url) as state:
        await filled(state)
        unasked = await of_shop(state, **selection)
        found = await of_shop(state, medianGaps=True, **selection)
        assert found["instances"] == len(chosen)
        for drop in found["dropOffs"]:
            way = {name: drop[name] for name in ("phase", "reason", "device")} | {"journey": "shop"}
            [page] = (await state.post(DROP_OFFS, dropOffs=[way], first=1, **selection))["pages"]
            assert page["totalCount"] == drop["count"]
            [one] = page["items"]
            assert (one["dropOff"]["reason"], one["dropOff"]["phase"]["key"]) == (drop["reason"], drop["phase"])
    versions = [number for number in (1, 2) if version in (None, number)]
    expected = meaning(tallied(chosen).by_version(), {number: ["look", "buy", "use"] for number in versions})
    assert found == msgspec.to_builtins(insights_document(answered_by, expected))
    for edge in found["flow"]["edges"]:
        edge["medianGap"] = None
    assert unasked == found


async def test_everything_is_shown(database_url: str) -> None:
    walks = [
        walk(
            "one",
            {"hours": 0, "touchpoint": "viewed", "channel": "web", "device": "mobile"},
            {"hours": 2, "touchpoint": "cart", "channel": "app"},
            **dropped("buy"),
        )
    ]
    async with State(database_url) as state:
        await state.publish(journey())
        await fill(state, walks)
        assert await read(state, "shop", medianGaps=True) == [
            {
                "answeredBy": "counters",
                "instances": 1,
                "byStatus": [{"status": "ABANDONED", "count": 1}],
                "funnel": [
                    {"phase": "look", "reached": 1, "continued": 1, "dropped": 0},
                    {"phase": "buy", "reached": 1, "continued": 0, "dropped": 1},
                    {"phase": "use", "reached": 0, "continued": 0, "dropped": 0},
                ],
                "flow": {
                    "edges": [
                        {"from": "START", "to": "viewed", "count": 1, "medianGap": None},
                        {"from": "cart", "to": "END:ABANDONED", "count": 1, "medianGap": None},
                        {"from": "viewed", "to": "cart", "count": 1, "medianGap": "PT1H59M41S"},
                    ]
                },
                "hops": {"channel": [{"from": "web", "to": "app", "count": 1}], "device": [], "source": []},
                "dropOffs": [{"phase": "buy", "reason": "UNKNOWN", "device": "mobile", "count": 1}],
            }
        ]


async def test_several_journeys_are_answered_in_the_order_asked(database_url: str) -> None:
    async with State(database_url) as state:
        await filled(state)
        with state.statements() as statements:
            found = await read(state, "empty", "unknown", "shop", "empty")
        assert [one and one["instances"] for one in found] == [0, None, 36, 0]
        assert found[0] is not None
        assert [step["phase"] for step in found[0]["funnel"]] == ["look", "buy", "use"]
        with state.statements() as fewer:
            await read(state, "shop")
        assert len(statements) == len(fewer) + 1  # a version is read and compiled once
        state.workspace = "other"
        assert await read(state, "shop") == [None]


async def test_only_the_live_build_counts(database_url: str) -> None:
    """While a build is made beside the live one, and when it has taken its place."""
    remade = [walk("again", {"hours": 0, "touchpoint": "viewed"}, build=50, version=2)]
    async with State(database_url) as state:
        await filled(state)
        await fill(state, remade)
        builds = tables.builds
        row = {"build": 50, "xid": 0, "journey": "shop", "versions": "[1, 2]", "state": "BUILDING"}
        await state.add(builds, row)
        for selection in ({}, {"period": PART_OF_A_DAY | {"from": None}}):
            assert (await of_shop(state, **selection))["instances"] > 1
        async with state.database.write() as connection:
            await connection.execute(update(builds).where(builds.c.build == 1).values(state="RETIRED"))
            await connection.execute(update(builds).where(builds.c.build == 50).values(state="LIVE"))
        for selection in ({}, {"period": PART_OF_A_DAY | {"from": None}}):
            assert (await of_shop(state, **selection))["instances"] == 1


async def test_phases_come_in_the_order_of_the_newest_version(database_url: str) -> None:
    wish = {**LOOK, "key": "wish", "touchpoints": []}
    async with State(database_url) as state:
        await state.publish(journey(phases=[wish, LOOK, BUY]), journey(version=2, phases=[LOOK, USE, BUY]))
        await fill(state, [walk("one", {"hours": 0, "touchpoint": "viewed"}, furthest="look")])
        for where, expected in [
            ({}, [("look", 1), ("use", 0), ("buy", 0), ("wish", 1)]),
            ({"version": 1}, [("wish", 1), ("look", 1), ("buy", 0)]),
            ({"version": 2}, [("look", 0), ("use", 0), ("buy", 0)]),
            ({"version": 3}, []),
        ]:
            funnel = (await of_shop(state, where=where))["funnel"]
            assert [(step["phase"], step["reached"]) for step in funnel] == expected, where


async def test_the_instances_behind_drop_offs_come_page_by_page(database_url: str) -> None:
    ways = [
        {"journey": "shop", "phase": "look", "reason": "UNKNOWN", "device": "mobile"},
        {"journey": "shop", "phase": "look", "reason": "EXTRA_COST", "device": None},
        {"journey": "empty", "phase": "look", "reason": "EXTRA_COST", "device": None},
        {"journey": "shop", "phase": "buy", "reason": "UNKNOWN", "device": "watch"},
    ]
    async with State(database_url) as state:
        await filled(state)
        with state.statements() as statements:
            pages = (await state.post(DROP_OFFS, dropOffs=ways, first=2))["pages"]
        with state.statements() as fewer:
            await state.post(DROP_OFFS, dropOffs=ways[:1], first=2)
        assert len(statements) <= len(fewer) + 1
        assert [(page["totalCount"], len(page["items"])) for page in pages] == [(3, 2), (3, 2), (0, 0), (0, 0)]
        assert [one["startedAt"] for one in pages[0]["items"]] == ["2026-01-06T05:00:00Z", "2026-01-03T17:00:00Z"]
        assert pages[1]["items"][0]["customerId"] == WALKS[30][0].customer.hex()
        [rest] = (await state.post(DROP_OFFS, dropOffs=ways[:1], first=2, after=pages[0]["endCursor"]))["pages"]
        assert ([one["startedAt"] for one in rest["items"]], rest["totalCount"]) == (["2026-01-01T05:00:00Z"], 3)
        assert await state.post(DROP_OFFS, dropOffs=[]) == {"pages": []}


async def test_what_cannot_be_asked_is_refused_with_the_place(sqlite_url: str) -> None:
    cases: list[tuple[Json, str, list[str]]] = [
        ({"journeys": ["shop"], "where": {"persona": "family"}}, "UNSUPPORTED_FILTER", ["where", "persona"]),
        ({"journeys": ["shop"], "where": {"colour": "red"}}, "INVALID", ["where", "colour"]),
        ({"journeys": ["shop"], "where": {"version": 0}}, "INVALID", ["where", "version"]),
        ({"journeys": ["shop"], "period": {"from": "2026-01-02T00:00:00"}}, "INVALID", ["period", "from"]),
        ({"journeys": ["x"] * 101}, "INVALID", ["journeys"]),
        ({}, "INVALID", ["journeys"]),
    ]
    async with State(sqlite_url) as state:
        for body, code, path in cases:
            assert await state.refusal(READ, **body) == (422, code, [path]), body
        way = {"journey": "shop", "phase": "look", "reason": "BORED", "device": None}
        assert await state.refusal(DROP_OFFS, dropOffs=[way]) == (422, "INVALID", [["dropOffs", "0", "reason"]])
        persona = {"where": {"persona": "family"}}
        assert (await state.refusal(DROP_OFFS, dropOffs=[], **persona))[1] == "UNSUPPORTED_FILTER"
        assert (await state.refusal(DROP_OFFS, dropOffs=[way | {"reason": "OTHER"}], after="x"))[1] == "BAD_CURSOR"
