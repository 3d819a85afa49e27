"""What a late event costs does not depend on how long the history is: events that were folded are counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.events.projector.any_order.play import compared
from tests.events.projector.any_order.stages import Stages
from tests.events.projector.any_order.tables import contents
from tests.events.projector.any_order.told import Told
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import Reality

Json = dict[str, Any]

MOST_REFOLDED = 512
_APART = DAY // 144  # ten minutes
_VISIT = ["View", "Other", "Cart", "View", "Other", "View", "Cart", "Other", "View", "Buy"]
_ROW = 2_500
_PURCHASES = 600
SHOP: Json = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [
                {"key": "viewed", "name": "Viewed", "recognisedBy": 'name == "View"'},
                {"key": "carted", "name": "Carted", "recognisedBy": 'name == "Cart"'},
            ],
        },
        {
            "key": "buy",
            "name": "Buy",
            "touchpoints": [{"key": "bought", "name": "Bought", "recognisedBy": 'name == "Buy"'}],
        },
    ],
    "goal": 'name == "Buy"',
    "returnedWhen": 'name == "Return"',
    "patience": "PT12H",
}
PLAIN = {**SHOP, "returnedWhen": None}


def event(number: int, late: int = 0) -> Json:
    """The one at that place of a long life, or one that is heard of later and comes `late` microseconds behind it."""
    return plain_event(
        f"late{number}" if late else f"m{number}",
        "View" if late else _VISIT[number % len(_VISIT)],
        EPOCH + number * _APART + late,
        identifiers=[("user_id", "u")],
        verified=True,
    )


@pytest.mark.parametrize("length", [5_000, pytest.param(100_000, marks=pytest.mark.full)])
async def test_a_late_event_refolds_a_small_part_of_a_long_history(database_urls: tuple[str, str], length: int) -> None:
    """Each comes amid a visit, so that everything stands as before at the next checkpoint."""
    played_url, replayed_url = database_urls
    async with Reality(played_url) as reality, Stages(reality) as stages:
        told = Told(reality)

        async def folded_for(heard: Json) -> int:
            """How many events are folded for this one."""
            before = stages.lanes.events
            await told.events(heard)
            await stages.finish()
            return stages.lanes.events - before

        reality.now = EPOCH + length * _APART
        await told.versions(SHOP)
        for first in range(0, length, _ROW):
            await told.events(*(event(number) for number in range(first, first + _ROW)))
        await stages.finish()
        assert stages.lanes.events == length

        late = [1, 42, length // 3, length // 2 + 3, length - 1_002, length - 498]
        refolded = [await folded_for(event(place, late=1)) for place in late]

        assert all(0 < count <= MOST_REFOLDED for count in refolded), refolded
        assert [await folded_for(event(length + more)) for more in range(3)] == [1, 1, 1]
        assert await folded_for(event(length // 2)) == 0, "a repeat"
        often = await contents(reality)
        once = await told.replayed(replayed_url)
    assert [compared(name, often[name], once[name]) for name in often] == [[]] * len(often)


@pytest.mark.parametrize(
    ("journey", "names", "refolded"),
    [
        pytest.param(PLAIN, ["View", "Buy"], 54, id="missing-purchase"),
        pytest.param(PLAIN, ["View"], 53, id="led-nowhere"),
        pytest.param({**PLAIN, "reentry": "AFTER_END"}, ["View"], 53, id="led-nowhere-after-end"),
        pytest.param(SHOP, ["View"], 53, id="led-nowhere-with-returns"),
    ],
)
async def test_a_late_visit_is_forgotten_once_it_has_closed(
    database_urls: tuple[str, str], journey: Json, names: list[str], refolded: int
) -> None:
    """A purchase every three days, and a visit between two of them, heard of at the end: no later event concerns it."""
    played_url, replayed_url = database_urls
    purchases = [
        visit_event(f"{name}{number}", name, number * 3 * DAY + place)
        for number in range(_PURCHASES)
        for place, name in enumerate(["View", "Buy"])
    ]
    async with Reality(played_url) as reality, Stages(reality) as stages:
        told = Told(reality)
        reality.now = EPOCH + _PURCHASES * 3 * DAY
        await told.versions(journey)
        await told.events(*purchases)
        await stages.finish()
        before = stages.lanes.events

        await told.events(*(visit_event(f"late{name}", name, 31 * DAY + place) for place, name in enumerate(names)))
        await stages.finish()

        assert stages.lanes.events - before == refolded
        often = await contents(reality)
        once = await told.replayed(replayed_url)
    assert [compared(name, often[name], once[name]) for name in often] == [[]] * len(often)


def visit_event(message_id: str, name: str, after: int) -> Json:
    return plain_event(message_id, name, EPOCH + after, identifiers=[("user_id", "u")], verified=True)
