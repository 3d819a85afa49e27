"""Published personas in SQL, and the events that their rules ask about, as the projector writes them.

Which events these are follows from the log alone: all that any published version of a persona names. A name that is
asked about for the first time is looked for in all that was logged before; meanwhile its new events are kept already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among, given, insert_rows
from services.events.identity.domain import ProfileId, profile_id
from services.events.intake.position import START, Place
from services.events.intake.slots import PublishedPersona, Recorded
from services.events.intake.store import LogRow, LogStore
from services.events.personas.domain import compile_persona, name_digest
from services.events.tables import asked_names, identifiers, occurrences, published_personas, timeline
from services.events.timeline.entry import Entry

FILLED_AT_ONCE = 20_000
"""Entries of the log that one step looks through: a log that is no longer is through when its step is."""

_COLUMNS = ("workspace", "profile", "name", "key", "seq", "slot")


class Publication(NamedTuple):
    """A published version, and the row of the log that says so."""

    seq: int
    published: PublishedPersona


class Occurred(NamedTuple):
    """An event that rules ask about, in the timeline of a profile."""

    profile: bytes
    name: bytes
    key: bytes
    seq: int
    slot: int


class _Gap(NamedTuple):
    """A part of the log, both places left out and put in, that was not looked through for some names."""

    after: Place
    until: Place


async def publish(
    connection: AsyncConnection, workspace: str, publications: Sequence[Publication], read_until: Place
) -> None:
    """Takes versions in. Names that are new have to be looked for in what was read of the log until a place."""
    names: dict[bytes, None] = {}
    for seq, published in publications:
        document = msgspec.json.decode(published.document)
        row: dict[str, Any] = {"workspace": workspace, "persona": published.persona, "version": published.version}
        same = [published_personas.c[name] == value for name, value in row.items()]
        if (await connection.execute(select(published_personas.c.seq).where(*same))).first():
            continue
        row |= {"seq": seq, "matches": document["matches"]}
        await connection.execute(insert(published_personas).values(row))
        rule = compile_persona(document).rule
        names |= dict.fromkeys(name_digest(name) for name in sorted(rule.names)) if rule else {}
    new = names.keys() - await asked(connection, workspace)
    gap = (None, None) if read_until == START else START
    until = (None, None) if read_until == START else read_until
    columns = ("workspace", "name", "after_xid", "after_seq", "until_xid", "until_seq")
    await insert_rows(connection, asked_names, columns, [(workspace, name, *gap, *until) for name in sorted(new)])


async def asked(connection: AsyncConnection, workspace: str) -> frozenset[bytes]:
    """The names of events that rules ask about."""
    query = select(asked_names.c.name).where(asked_names.c.workspace == workspace)
    return frozenset((await connection.execute(query)).scalars())


def among_asked(names: Collection[bytes], events: Iterable[tuple[bytes, Entry]]) -> list[Occurred]:
    """Of events, each with the profile under which it stands, those that rules ask about."""
    if not names:
        return []
    return [
        Occurred(profile, digest, entry.key, entry.seq, entry.slot)
        for profile, entry in events
        if (digest := name_digest(entry.name)) in names
    ]


def occurred_in(names: Collection[bytes], entries: Iterable[Entry], secret: bytes) -> list[Occurred]:
    """The same of events that stand, as all do, under the profiles of their strongest identifiers."""
    return among_asked(
        names, ((profile_id(secret, *one.recorded.identifiers[0]), one) for one in entries if one.has_place)
    )


async def append(connection: AsyncConnection, workspace: str, occurred: Sequence[Occurred]) -> None:
    await insert_rows(connection, occurrences, _COLUMNS, [(workspace, *row) for row in occurred])


async def of_customers(
    connection: AsyncConnection, workspace: str, customers: Collection[ProfileId]
) -> dict[ProfileId, set[Occurred]]:
    """What is kept of each customer; one of whom nothing is kept is left out."""
    found: dict[ProfileId, set[Occurred]] = defaultdict(set)
    columns = (identifiers.c.customer, *(occurrences.c[name] for name in Occurred._fields))
    same = and_(occurrences.c.workspace == identifiers.c.workspace, occurrences.c.profile == identifiers.c.profile)
    of_them = identifiers.c.workspace == workspace, among(connection, identifiers.c.customer, customers)
    for customer, *row in await connection.execute(
        select(*columns).join_from(identifiers, occurrences, same).where(*of_them)
    ):
        found[customer].add(Occurred(*row))
    return found


async def fill(connection: AsyncConnection, log: LogStore, workspace: str, most: int = FILLED_AT_ONCE) -> int:
    """Looks through the next part of the log for names that are new; how many entries it looked at."""
    found = await _first_gap(connection, workspace)
    if found is None:
        return 0
    gap, names = found
    rows = [row for row in await log.read_after(workspace, gap.after, most) if row.place <= gap.until]
    secret = await log.secret(workspace)
    await _append_standing(connection, workspace, _named(rows, names, secret))
    through = not rows or rows[-1].place == gap.until
    after, until = ((None, None), (None, None)) if through else (rows[-1].place, gap.until)
    places = dict(zip(("after_xid", "after_seq", "until_xid", "until_seq"), (*after, *until), strict=True))
    of_gap = asked_names.c.workspace == workspace, asked_names.c.name.in_(names)
    await connection.execute(update(asked_names).where(*of_gap).values(places))
    return sum(len(row.slots) for row in rows)


async def _first_gap(connection: AsyncConnection, workspace: str) -> tuple[_Gap, frozenset[bytes]] | None:
    """Some part that has to be looked through, with all names for which it is the same one."""
    query = select(asked_names).where(asked_names.c.workspace == workspace, asked_names.c.until_seq.is_not(None))
    gaps = {
        row.name: _Gap(Place(row.after_xid, row.after_seq), Place(row.until_xid, row.until_seq))
        for row in await connection.execute(query)
    }
    if not gaps:
        return None
    first = min(gaps.values())
    return first, frozenset(name for name, gap in gaps.items() if gap == first)


def _named(rows: Iterable[LogRow], names: Collection[bytes], secret: bytes) -> list[Occurred]:
    """The events with these names, repeats included."""
    entries = (
        Entry.of(row.place.seq, place, slot)
        for row in rows
        for place, slot in enumerate(row.slots)
        if isinstance(slot, Recorded) and name_digest(slot.name) in names
    )
    return occurred_in(names, entries, secret)


async def _append_standing(connection: AsyncConnection, workspace: str, named: Sequence[Occurred]) -> None:
    """Of these events those that stand in timelines: repeats do not."""
    if not named:
        return
    same = ("profile", "key", "seq", "slot")
    if connection.dialect.name == "postgresql":
        columns = {name: occurrences.c[name] for name in Occurred._fields}
        wanted = given(connection, "wanted", columns, named)
        there = and_(timeline.c.workspace == workspace, *(timeline.c[name] == wanted.c[name] for name in same))
        query = select(timeline.c.workspace, *wanted.c).select_from(wanted.join(timeline, there))
        await connection.execute(insert(occurrences).from_select(_COLUMNS, query))
    else:  # thousands of rows would have to be bound one by one
        where = " AND ".join(f"{name} = ?" for name in ("workspace", *same))
        await connection.exec_driver_sql(
            f"INSERT INTO occurrences ({', '.join(_COLUMNS)})"
            f" SELECT workspace, profile, ?, key, seq, slot FROM timeline WHERE {where}",
            [(name, workspace, profile, key, seq, slot) for profile, name, key, seq, slot in named],
        )
