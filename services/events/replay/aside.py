"""What a replay puts aside between its stages: the whole log once more, in other orders.

Kept in a database, so that personal data stays where it is kept anyway, and nothing is held in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, select, text

from infra.chassis.compression import compress, decompress
from infra.chassis.database import Database, insert_rows
from services.events.identity.domain import ProfileId
from services.events.intake.slots import Recorded

_tables = MetaData()
_owners = Table(
    "aside_owners",
    _tables,
    Column("batch", Integer, nullable=False, index=True),
    Column("seq", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_events = Table(
    "aside_events",
    _tables,
    Column("shelf", Integer, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)

Owners = list[ProfileId | None]
"""By slot of a row of the log: under which profile its event stands, None where there is no event or it is a repeat."""

Shelved = tuple[ProfileId, ProfileId, int, int, Recorded]
"""An event with its customer and its profile, and its place in the log: seq and slot."""
RawShelved = tuple[ProfileId, ProfileId, int, int, msgspec.Raw]
"""The same, not decoded."""

_encode = msgspec.msgpack.Encoder().encode
_decode_owners = msgspec.msgpack.Decoder(Owners).decode
_decode_events = msgspec.msgpack.Decoder(list[Shelved]).decode
_LEVEL = -5  # it is read once, and soon


class Aside:
    """Two tables in a database of one's own, or in the schema of one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        async with self._database.write() as connection:
            await connection.run_sync(_tables.create_all)
            if not self._database.is_sqlite:
                for table in _tables.tables:
                    await connection.execute(text(f"ALTER TABLE {table} SET UNLOGGED"))
                    await connection.execute(text(f"ALTER TABLE {table} ALTER body SET STORAGE EXTERNAL"))

    async def keep_owners(self, batch: int, owners: Mapping[int, Owners]) -> None:
        """Of the rows of a batch, by their `seq` in the log."""
        rows = [(batch, seq, _encode(profiles)) for seq, profiles in owners.items()]
        async with self._database.write() as connection:
            await insert_rows(connection, _owners, ("batch", "seq", "body"), rows)

    async def owners(self, batch: int) -> dict[int, Owners]:
        query = select(_owners.c.seq, _owners.c.body).where(_owners.c.batch == batch)
        async with self._database.read() as connection:
            return {row.seq: _decode_owners(row.body) for row in await connection.execute(query)}

    async def shelve(self, shelves: Mapping[int, Sequence[RawShelved]]) -> None:
        """Adds events to shelves."""
        rows = [(shelf, compress(_encode(events), _LEVEL)) for shelf, events in shelves.items()]
        async with self._database.write() as connection:
            await insert_rows(connection, _events, ("shelf", "body"), rows)

    async def events_on(self, shelf: int) -> list[Shelved]:
        async with self._database.read() as connection:
            query = select(_events.c.body).where(_events.c.shelf == shelf)
            bodies = (await connection.execute(query)).scalars()
            return [event for body in bodies for event in _decode_events(decompress(body))]

    async def clear(self) -> None:
        """Makes room for another workspace."""
        async with self._database.write() as connection:
            for table in _tables.tables.values():
                await connection.execute(table.delete())
