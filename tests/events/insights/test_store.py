"""Counters take differences; equal sums are equal bytes, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services.events import tables
from services.events.insights import store
from services.events.insights.domain import Cell, Counts, Tally
from tests.events.insights.rows import Walk, dropped, fill, journey, tallied, walk
from tests.support.histories import DAY, EPOCH
from tests.support.state import State

NAMES = st.sampled_from(["s\x00ACTIVE", "p\x00look", "b\x00viewed"])
EDGES = st.sampled_from(["viewed\x00cart", "cart\x00paid"])
NUMBERS = st.integers(-3, 3).filter(bool)
CHANGES = st.lists(
    st.builds(
        Counts,
        plain=st.dictionaries(NAMES, NUMBERS),
        gaps=st.dictionaries(EDGES, st.dictionaries(st.integers(0, 500), NUMBERS, min_size=1)),
    ),
    max_size=6,
)


def sums(changes: list[Counts]) -> store.Sums | None:
    found = None
    for change in changes:
        found = store.added(found, change)
    return found


@given(CHANGES, st.randoms())
def test_equal_sums_are_equal_bytes_however_they_came_about(changes: list[Counts], random: object) -> None:
    shuffled = list(changes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sums(shuffled) == sums(changes)
    undone = [Counts({n: -c for n, c in one.plain.items()}, {}) for one in changes]
    undone += [Counts({}, {n: {b: -c for b, c in gaps.items()} for n, gaps in one.gaps.items()}) for one in changes]
    assert sums(changes + undone) is None


def test_a_cell_says_what_was_added() -> None:
    counts = Counts({"s\x00ACTIVE": 2, "b\x00viewed": 300}, {"viewed\x00cart": {7: 1, 400: 2}})
    found = store.added(None, counts)
    assert found is not None
    assert store.counts_in(*found) == counts
    assert store.counts_in(found.body) == Counts(counts.plain)
    assert len(found.body) + len(found.gaps) < 60


def shop_walks(count: int) -> list[Walk]:
    """Runs on several days, of several kinds, in all partitions."""
    return [
        walk(
            f"customer {number}",
            {"hours": number * 7, "touchpoint": "viewed", "channel": ("web", "app")[number % 2], "device": "mobile"},
            {"hours": number * 7 + 1 + number % 5, "touchpoint": "cart", "channel": "web"},
            partition=number % 16,
            version=1 + number % 2,
            variant=(None, "A", "B")[number % 3],
            **(dropped("look") if number % 3 else {}),
        )
        for number in range(count)
    ]


async def stored(state: State, workspace: str = "default") -> dict[Cell, store.Sums]:
    async with state.database.read() as connection:
        return await store.counted(connection, workspace)


async def settled(state: State) -> None:
    """Every change is added to the counters, and none is left."""
    async with state.database.write() as connection:
        while await store.settle(connection, state.database, "default", 1):
            pass
    async with state.database.read() as connection:
        waiting = select(tables.counter_changes.c.number).where(tables.counter_changes.c.workspace == "default")
        assert (await connection.execute(waiting)).all() == []


async def test_changes_wait_until_there_are_enough_of_them(database_url: str) -> None:
    row, steps = walk("one", {"hours": 0, "touchpoint": "viewed"})
    async with State(database_url) as state:
        async with state.database.write() as connection:
            for number in range(3):
                other = row._replace(partition=number), steps
                await store.apply(connection, "default", tallied([other]))
            assert await store.settle(connection, state.database, "default", 4) == 0
            assert await store.settle(connection, state.database, "other", 1) == 0
            left = await connection.execute(select(tables.counter_changes.c.number))
            assert len(left.all()) == 3
            assert await store.settle(connection, state.database, "default", 3) == 3
            left = await connection.execute(select(tables.counter_changes.c.number))
            assert left.all() == []
        found = await stored(state)
    assert {store.counts_in(*cell).plain["b\x00viewed"] for cell in found.values()} == {3}


async def test_changes_of_many_bytes_wait_for_nobody_and_are_added_one_by_one(database_url: str) -> None:
    """Whoever adds them up must be through before its lease ends."""
    step = {"hours": 0, "touchpoint": "viewed"}
    large = tallied([walk(f"customer {number}", step, variant=f"{number:0250}") for number in range(2_500)])
    async with State(database_url) as state:
        async with state.database.write() as connection:
            for _ in range(3):
                await store.apply(connection, "default", large)
            settled = [await store.settle(connection, state.database, "default", 4) for _ in range(3)]
            assert settled == [1, 1, 0]
        found = await stored(state)
    assert {store.counts_in(*cell).plain["b\x00viewed"] for cell in found.values()} == {3, 3 * 2_500}


async def test_counters_are_the_sum_of_the_contributions(database_url: str) -> None:
    """Runs come, change and go in portions; what is stored is what instances and steps say."""
    walks = shop_walks(1_200)
    async with State(database_url) as state:
        await state.publish(journey())
        for start in range(0, len(walks), 400):
            await fill(state, walks[start : start + 400])
        await fill(state, walks[:3], workspace="other")
        expected = {cell: store.added(None, counts) for cell, counts in tallied(walks).cells().items()}
        assert await stored(state) == expected
        await settled(state)
        assert await stored(state) == expected
        async with state.database.read(snapshot=True) as connection:
            assert await store.summed(connection, "default") == expected

        tally = tallied(walks[100:], -1)
        row, steps = walks[0]
        tally.instance(row, -1)
        tally.instance(row._replace(status="PAUSED"), 1)
        async with state.database.write() as connection:
            await store.apply(connection, "default", tally)
        left = tallied([(row._replace(status="PAUSED"), steps), *walks[1:100]])
        assert await stored(state) == {cell: store.added(None, counts) for cell, counts in left.cells().items()}
        await settled(state)
        assert await stored(state) == {cell: store.added(None, counts) for cell, counts in left.cells().items()}

        async with state.database.write() as connection:
            await store.apply(connection, "default", tallied(walks[100:], 1))
            await store.apply(connection, "default", tallied(walks[100:], -1))
            gone = tallied([(row._replace(status="PAUSED"), steps), *walks[1:100]], -1)
            await store.apply(connection, "default", gone)
        assert await stored(state) == {}
        await settled(state)
        assert await stored(state) == {}
        assert len(await stored(state, "other")) == len(tallied(walks[:3]).cells())


async def test_a_run_of_more_steps_than_a_portion_is_summed_whole(database_url: str) -> None:
    """Two runs of one customer that lie across each other, and one under a build that is not live."""
    first, second = (
        walk("one", *({"hours": start + number / 10, "touchpoint": ("viewed", "cart")[number % 2], "channel": "web"}
                      for number in range(1_300)))
        for start in (0, 0.05)
    )  # fmt: skip
    row, steps = second
    other = row._replace(instance=b"i" * 16, run=2)
    twin = other, [step._replace(instance=b"i" * 16) for step in steps]
    elsewhere = row._replace(build=2), [step._replace(build=2) for step in steps]
    async with State(database_url) as state:
        await fill(state, [first, twin, elsewhere])
        async with state.database.read(snapshot=True) as connection:
            assert await store.summed(connection, "default") == await stored(state)
    [cell] = [
        counts
        for cell, counts in tallied([first, twin]).cells().items()
        if (cell.span, cell.dimension) == ("day", "source")
    ]
    assert sum(sum(gaps.values()) for gaps in cell.gaps.values()) == 2 * 1_299


async def test_nothing_tallied_writes_nothing(database_url: str) -> None:
    async with State(database_url) as state:
        async with state.database.write() as connection:
            await store.apply(connection, "default", Tally())
        assert await stored(state) == {}


@pytest.mark.parametrize("value", ["it's", '"', "é🙂", "\\", "%", "[1]", ""])
async def test_dimension_values_may_be_any_text(database_url: str, value: str) -> None:
    one = walk("one", {"hours": 0, "touchpoint": "viewed", "channel": value, "device": value}, variant=value)
    async with State(database_url) as state:
        await fill(state, [one])
        await fill(state, [walk("two", {"hours": 1, "touchpoint": "viewed", "channel": value})])
        found = {cell: store.counts_in(*one).plain["s\x00ACTIVE"] for cell, one in (await stored(state)).items()}
        today = EPOCH // DAY
        assert found[Cell(1, 1, "day", today, "channel", value)] == 2
        assert found[Cell(1, 1, "day", today, "variant", value)] == 1
