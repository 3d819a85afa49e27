"""How sources do: counted once, by the day of receipt, as the log is taken in."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from services.events import tables
from services.events.doctor import Options, examine
from services.events.health.domain import LONGEST_NAME, MOST_NAMES, Seen, names_that_are_new, names_that_vanished
from services.events.health.queries import HealthQueries
from services.events.intake.slots import Refused, Slot
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import WORKSPACE, Reality
from tests.support.recording import recorded
from tests.support.replaying import replayed

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


async def test_names_that_are_longer_than_names_are_counted_but_not_followed(database_url: str) -> None:
    followed, longer = "é" * LONGEST_NAME, "".join(Random(1).choices("éñ漢字🛒", k=30_000))
    async with Reality(database_url) as reality:
        await reality.record([event("m1", followed), event("m2", followed + "é"), event("m3", longer)])
        await reality.project()
        assert [row[2] for row in await reality.rows(tables.source_names)] == [followed]
        assert (await health(reality)).accepted == 3


def sent(seed: int) -> list[list[Slot]]:
    """Rows of a log: events and their repeats, contradictions and refusals, of two sources on five days."""
    chance = Random(seed)
    rows: list[list[Slot]] = []
    for at in range(12):
        row: list[Slot] = []
        for _ in range(chance.randrange(1, 5)):
            source, day = chance.choice(["shop", "crm"]), at // 3
            received_at = EPOCH + day * DAY + len(row)
            if chance.random() < 0.2:
                code = chance.choice(["BAD_VALUE", "TOO_LARGE"])
                row.append(Refused(source, received_at, code, "No.", (), b"{}"))
                continue
            properties = {"total": chance.randrange(2)}
            one = event(f"m{chance.randrange(20)}", chance.choice("ABC"), properties=properties)
            row.append(structs.replace(recorded(one), source=source, received_at=received_at))
        rows.append(row)
    return rows


async def counted_by(url: str, rows: list[list[Slot]], cuts: set[int]) -> tuple[list[Any], list[Any]]:
    """What is stored once these rows are projected, those between two cuts at a time; then, after a replay."""
    async with Reality(url) as reality:
        for at, row in enumerate(rows):
            await reality.append(row)
            if at in cuts:
                await reality.project()
        await reality.project()
        live = await counts(reality)
        found = await examine(reality.log_database, reality.state, Options(0, 0), lambda *_: None, lambda: reality.now)
        assert found.wrong_sources == []
        await replayed(reality)
        return live, await counts(reality)


async def counts(reality: Reality) -> list[Any]:
    return [*await reality.rows(tables.source_counts), *await reality.rows(tables.source_names)]


_SLOW: dict[str, Any] = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
_cuts = st.sets(st.integers(0, 11))


@settings(max_examples=4, **_SLOW)
@given(seed=st.integers(0, 999), cuts=_cuts)
def test_steps_and_replays_count_alike_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: set[int]
) -> None:
    one, other = (f"sqlite:///{tmp_path_factory.mktemp('counts') / 'test.db'}" for _ in range(2))
    asyncio.run(count_alike(one, other, seed, cuts))


@settings(max_examples=2, **_SLOW)
@given(seed=st.integers(0, 999), cuts=_cuts)
def test_steps_and_replays_count_alike_on_postgresql(postgresql: PostgresServer, seed: int, cuts: set[int]) -> None:
    with fresh_postgresql(postgresql) as one, fresh_postgresql(postgresql) as other:
        asyncio.run(count_alike(one, other, seed, cuts))


async def count_alike(one: str, other: str, seed: int, cuts: set[int]) -> None:
    rows = sent(seed)
    live, replayed_live = await counted_by(one, rows, cuts)
    at_once, _ = await counted_by(other, rows, set())
    assert live == replayed_live == at_once != []
