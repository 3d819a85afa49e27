"""The log: what is appended is read back in order, and no reader ever skips the row of a slower writer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from infra.chassis.database import Database
from infra.chassis.errors import NotFound, Unavailable
from infra.chassis.migrations import upgrade
from services.events.intake.position import START, Place
from services.events.intake.slots import Blank, Published, Recorded, Refused, Slot
from services.events.intake.store import NOTIFY_CHANNEL, Group, LogStore
from tests.events.intake.calls import event_of, track
from tests.events.intake.door import MIGRATIONS
from tests.support.databases import PostgresServer, postgres_server

WRITERS = 16
ROWS_EACH = 12


def event(message_id: str) -> Recorded:
    return event_of(track(messageId=message_id))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await upgrade(opened, MIGRATIONS)
    yield opened
    await opened.close()


async def read_until(log: LogStore, workspace: str, last: Place) -> list[Place]:
    """The places of a workspace up to `last`; other databases of the server may hold readers back a moment."""
    places: list[Place] = []
    async with asyncio.timeout(20):
        while not places or places[-1] < last:
            places += [row.place for row in await log.read_after(workspace, places[-1] if places else START, 100)]
    return places


async def test_slots_of_every_kind_come_back(database: Database) -> None:
    log = LogStore(database)
    slots: list[Slot] = [
        event("1"),
        Refused("website", 1, "BAD_VALUE", "no", ("a", "b"), b'{"x":\xff}'),
        Published("order", 1, b"{}"),
        Blank(),
    ]
    (place,) = await log.append([Group("default", slots)], logged_at=42)
    await read_until(log, "default", place)
    (row,) = await log.read_after("default", START, 10)
    assert row == (place, 42, slots)
    assert await log.read_rows("default", [place.seq, place.seq, 999]) == {place.seq: slots}


async def test_each_workspace_reads_its_own_rows(database: Database) -> None:
    log = LogStore(database)
    names = ["b", "a", "b"]
    places = await log.append([Group(name, [event(str(number))]) for number, name in enumerate(names)], logged_at=1)
    assert places == sorted(set(places))
    assert await read_until(log, "b", places[2]) == [places[0], places[2]]
    assert await read_until(log, "a", places[1]) == [places[1]]
    assert await log.read_rows("a", [place.seq for place in places]) == {places[1].seq: [event("1")]}
    assert await log.read_after("b", places[2], 10) == []
    assert [row.place for row in await log.read_after("b", places[0], 1)] == [places[2]]


@pytest.mark.parametrize("text", ["x" * 10_000, random.Random(1).randbytes(5_000).hex()], ids=["dense", "sparse"])
async def test_what_is_read_at_once_is_bounded_by_what_events_say(database: Database, text: str) -> None:
    """Rows of two events of ten kilobytes, however well they can be compressed."""
    log = LogStore(database)
    slots = [event_of(track(properties={"text": text})) for _ in range(2)]
    places = await log.append([Group("default", slots) for _ in range(5)], logged_at=1)
    await read_until(log, "default", places[-1])
    for most, rows in ((1, 1), (20_000, 1), (25_000, 2), (1_000_000, 5)):
        assert [row.place for row in await log.read_after("default", START, 100, most)] == places[:rows]


async def test_rows_are_shown_one_by_one_however_many_there_are(database: Database) -> None:
    log = LogStore(database)
    places = await log.append([Group("default", [event(str(number))]) for number in range(100)], logged_at=1)
    seqs = [place.seq for place in places]
    shown: list[tuple[int, list[Slot]]] = []
    await log.visit_rows("default", seqs, lambda seq, slots: shown.append((seq, slots)))
    assert sorted(shown) == [(seq, [event(str(number))]) for number, seq in enumerate(seqs)]


async def test_how_much_lies_behind_a_place(database: Database) -> None:
    log = LogStore(database)
    assert await log.logged_slots("w", START) == (0, None, None)
    (first,) = await log.append([Group("w", [event("1"), event("2")])], logged_at=10)
    (second,) = await log.append([Group("w", [event("3")])], logged_at=20)
    assert await log.logged_slots("w", START) == (3, 10, second)
    assert await log.logged_slots("w", first) == (1, 20, second)


async def test_a_workspace_nobody_made_has_no_secret(database: Database) -> None:
    with pytest.raises(NotFound):
        await LogStore(database).secret("nobody")


async def test_appends_at_once_each_get_their_places(database: Database) -> None:
    log = LogStore(database)
    appended = await asyncio.gather(*(log.append([Group("w", [event(str(n))])], logged_at=n) for n in range(20)))
    places = [place for (place,) in appended]
    assert len(set(places)) == 20
    assert await read_until(log, "w", max(places)) == sorted(places)
    rows = await log.read_rows("w", [place.seq for place in places])
    assert [rows[place.seq] for place in places] == [[event(str(n))] for n in range(20)]


async def test_two_workspaces_commit_together_or_not_at_all(database: Database) -> None:
    log = LogStore(database)
    async with database.write() as connection:
        await connection.exec_driver_sql("CREATE UNIQUE INDEX one_a_moment ON log (workspace, logged_at)")
    groups = [Group("a", [event("1")]), Group("b", [event("2")])]
    await log.append(groups[1:], logged_at=1)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await log.append(groups, logged_at=1)
    assert await log.logged_slots("a", START) == (0, None, None)
    await log.append(groups, logged_at=2)  # and the connection is fit for use
    assert (await log.logged_slots("a", START))[0] == 1


async def test_writers_hear_no_sooner_than_readers(postgresql_url: str) -> None:
    """A notice wakes the projector of another process once its rows can be read."""
    database = Database(postgresql_url)
    await upgrade(database, MIGRATIONS)
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(postgresql_url)
    await listener.add_listener(NOTIFY_CHANNEL, lambda *notice: heard.put_nowait(notice[3]))
    log = LogStore(database)
    await log.append([Group("w", [event("1")]), Group("v", [event("2")])], logged_at=1)
    async with asyncio.timeout(10):
        assert await heard.get() == ""
    await listener.close()
    await database.close()


async def test_a_database_that_goes_away_and_comes_back() -> None:
    with postgres_server() as server:
        database = Database(server.create_database("log"))
        await upgrade(database, MIGRATIONS)
        log = LogStore(database)
        (before,) = await log.append([Group("w", [event("1")])], logged_at=1)
        server.stop(immediate=True)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await log.append([Group("w", [event("2")])], logged_at=2)
        server.start()
        (after,) = await log.append([Group("w", [event("3")])], logged_at=3)
        assert await read_until(log, "w", after) == [before, after]
        await database.close()


SLOW_COMMITS = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(random() * 0.03); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
"""Between a writer's insert and its commit lies a random while: later rows become visible before earlier ones."""


async def test_sixteen_writers_and_a_reader_that_misses_nothing(
    postgresql: PostgresServer, postgresql_url: str
) -> None:
    async with AsyncExitStack() as stack:
        databases = [Database(postgresql_url) for _ in range(WRITERS + 1)]
        for database in databases:
            stack.push_async_callback(database.close)
        await upgrade(databases[0], MIGRATIONS)
        raw = await asyncpg.connect(postgresql_url)
        stack.push_async_callback(raw.close)
        await raw.execute(SLOW_COMMITS)
        log = LogStore(databases[0])
        writing = asyncio.gather(*(_write(LogStore(database)) for database in databases[1:]))
        careful: list[Place] = []
        naive: list[int] = []
        while not writing.done():
            careful += await _read_carefully(log, careful)
            naive += await _read_naively(raw, naive)
        written = {place for places in await writing for place in places}
        naive += await _read_naively(raw, naive)
        async with asyncio.timeout(20):
            while len(careful) < len(written):
                careful += await _read_carefully(log, careful)
    assert len(written) == WRITERS * ROWS_EACH
    assert careful == sorted(written)  # each once, in order
    assert len(naive) < len(written)  # the test does tell a careless reader from a careful one


async def _write(log: LogStore) -> list[Place]:
    places: list[Place] = []
    for number in range(ROWS_EACH):
        places += await log.append([Group("w", [event(str(number))])], logged_at=number)
    return places


async def _read_carefully(log: LogStore, read: list[Place]) -> list[Place]:
    return [row.place for row in await log.read_after("w", read[-1] if read else START, 7)]


async def _read_naively(connection: asyncpg.Connection, read: list[int]) -> list[int]:
    """By number alone, as one would do without thinking of writers that are still under way."""
    rows = await connection.fetch("SELECT seq FROM log WHERE seq > $1 ORDER BY seq", read[-1] if read else 0)
    return [row["seq"] for row in rows]
