"""Entries through the cache: the same objects while they are held, and no more of them than there is room for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events.intake.slots import Blank, Slot
from services.events.intake.store import Group, LogStore
from services.events.timeline.reader import EntryReader
from tests.events.intake.calls import event_of, track
from tests.events.intake.door import MIGRATIONS

WORKSPACE = "default"


class _Log(LogStore):
    """Notes which rows it was asked for."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[list[int]] = []

    async def visit_rows(self, workspace: str, seqs: Iterable[int], visit: Callable[[int, list[Slot]], object]) -> None:
        self.asked.append(sorted(seqs))
        await super().visit_rows(workspace, self.asked[-1], visit)


@pytest.fixture
async def log(sqlite_url: str) -> AsyncIterator[_Log]:
    database = Database(sqlite_url)
    await upgrade(database, MIGRATIONS)
    yield _Log(database)
    await database.close()


async def _appended(log: LogStore, text: str, rows: int) -> list[int]:
    """Rows of an event that says so much, and a slot that was erased."""
    slots = [[event_of(track(messageId=f"m{number}", properties={"text": text})), Blank()] for number in range(rows)]
    return [place.seq for place in await log.append([Group(WORKSPACE, row) for row in slots], logged_at=1)]


async def test_entries_come_in_the_order_they_are_asked_for(log: _Log) -> None:
    one, other = await _appended(log, "", 2)
    reader = EntryReader(log)
    places = [(other, 0), (one, 1), (one, 0), (other, 0), (one, 2), (one, -1), (999, 0)]
    found = await reader.read(WORKSPACE, places)
    assert [entry and entry.message_id for entry in found] == ["m1", None, "m0", "m1", None, None, None]
    again = await reader.read(WORKSPACE, places)
    assert all(entry is before for entry, before in zip(again, found, strict=True))
    assert await reader.read("other", [(one, 0)]) == [None]


async def test_small_rows_are_read_once(log: _Log) -> None:
    seqs = await _appended(log, "", 10)
    reader = EntryReader(log, cached_bytes=50_000)
    for seq in seqs * 2:
        await reader.read(WORKSPACE, [(seq, 0)])
    assert log.asked == [[seq] for seq in seqs]


async def test_large_rows_make_room_for_each_other(log: _Log) -> None:
    """Of twenty kilobytes each two have room in fifty."""
    seqs = await _appended(log, "x" * 20_000, 3)
    reader = EntryReader(log, cached_bytes=50_000)
    entries = await reader.read(WORKSPACE, [(seq, 0) for seq in seqs])
    assert [entry and entry.message_id for entry in entries] == ["m0", "m1", "m2"]
    await reader.read(WORKSPACE, [(seq, 0) for seq in seqs[1:]])
    await reader.read(WORKSPACE, [(seqs[0], 0)])
    assert log.asked == [seqs, seqs[:1]]
