"""How sources do: counted once, by the day of receipt, as the log is taken in."""

from __future__ import annotations

from typing import Any

from services.events import tables
from services.events.health.domain import MOST_NAMES, Seen, names_that_are_new, names_that_vanished
from services.events.health.queries import HealthQueries
from services.events.intake.slots import Refused
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]


def event(message_id: str, name: str = "View", day: int = 0, **more: Any) -> Json:
    return plain_event(message_id, name, EPOCH + day * DAY, identifiers=[("user_id", "u1")], verified=True, **more)


async def health(reality: Reality, begin: int | None = None, end: int | None = None) -> Any:
    [found] = await HealthQueries(reality.state, lambda: reality.now).of_sources(WORKSPACE, ["shop"], begin, end)
    return found


def test_a_name_is_new_for_seven_days_unless_all_of_the_source_is() -> None:
    names = {"Old": Seen(100, 120, 9), "New": Seen(114, 114, 1), "Older": Seen(113, 120, 2)}
    assert names_that_are_new(names, 120) == ["New"]
    assert names_that_are_new(names, 121) == []
    assert names_that_are_new({"New": Seen(114, 114, 1)}, 120) == []
    assert names_that_are_new({}, 120) == []


def test_a_name_that_came_on_three_days_is_missed_after_seven() -> None:
    names = {"Usual": Seen(90, 113, 3), "Rare": Seen(90, 113, 2), "Here": Seen(90, 114, 9)}
    assert names_that_vanished(names, 120) == ["Usual"]


async def test_each_event_counts_once_whatever_it_was(database_url: str) -> None:
    async with Reality(database_url) as reality:
        first, late = event("m0"), event("m1", "Buy", 3)
        bad = Refused("shop", EPOCH + DAY, "BAD_VALUE", "No.", (), b"{}")
        worse = Refused("shop", EPOCH + DAY + 1, "TOO_LARGE", "No.", (), b"{}")
        await reality.record([first, first, late])
        await reality.append([bad, bad, worse])
        await reality.record([first, first | {"properties": {"total": 2}}])
        await reality.project()
        reality.now = EPOCH + 3 * DAY
        rows = await reality.rows(tables.source_counts)
        assert sum(row[4] for row in rows if not row[3]) == 2
        found = await health(reality)
        assert found.accepted == 2
        assert found.rejected == {"BAD_VALUE": 2, "CONFLICTING_DUPLICATE": 1, "TOO_LARGE": 1}
        on_that_day = await health(reality, EPOCH + DAY, EPOCH + 2 * DAY)
        assert {code: on_that_day.rejected[code] for code in ("BAD_VALUE", "TOO_LARGE")} == {
            "BAD_VALUE": 2,
            "TOO_LARGE": 1,
        }
        assert "BAD_VALUE" not in (await health(reality, EPOCH + 2 * DAY)).rejected


async def test_names_beyond_the_thousandth_are_not_followed(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.record([event(f"m{at}", f"Viewed {at}") for at in range(MOST_NAMES - 1)])
        await reality.project()
        await reality.record([event("x", "Last one"), event("y", "Too many")])
        await reality.project()
        names = {row[2] for row in await reality.rows(tables.source_names)}
        assert (len(names), "Last one" in names, "Too many" in names) == (MOST_NAMES, True, False)
        assert (await health(reality)).accepted == MOST_NAMES + 1
