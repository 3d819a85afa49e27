"""Builds: each is the projection of one journey under one list of its versions.

A journey has one build that is LIVE, the one that readers see. A version that takes effect about now is added to it:
only what happened since then is folded again. A version that takes effect from an earlier moment changes the meaning of
recorded history, so another build is made beside the live one (BUILDING), customer by customer; when all partitions are
through, one transaction puts it in the place of the live one, which is RETIRED and swept away. Which builds there are
follows from the log alone; only when they replace each other does not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import among
from services.events.intake.position import Place
from services.events.intake.slots import Published
from services.events.live.domain import compile_version
from services.events.partitions import PARTITIONS
from services.events.tables import build_progress, builds, counters, instances, models, steps
from services.events.timeline.domain import Microseconds

LIVE, BUILDING, RETIRED = "LIVE", "BUILDING", "RETIRED"

_ABOUT_NOW: Microseconds = 3_600_000_000
"""How long before it was logged a version may take effect and still be added to the live build: publishing and pulling
take their time, and the customers of the last hour are soon folded."""
_SLOT_BITS = 20
"""A row of the log may publish several journeys: the slot tells their builds apart."""
_SWEPT = -1
"""In the place of a partition: the progress of sweeping a retired build, customer by customer."""

_read_versions = msgspec.json.Decoder(tuple[int, ...]).decode


class Build(NamedTuple):
    number: int
    journey: str
    versions: tuple[int, ...]
    """The numbers of the versions that its schedule has, ascending."""
    live: bool
    """Whether readers see it; otherwise it is being made."""
    place: Place
    """Of the publication that asked for it."""


class BuildProgress(NamedTuple):
    """A partition whose customers are not all folded under a build yet."""

    build: int
    partition: int
    after: bytes
    """Customers up to this id are folded under it."""
    folded: int
    """How many these are."""


class Rebuild(NamedTuple):
    """A build that is not finished."""

    build: Build
    folded: int
    """Customers so far."""
    share: float
    """Of the work that is done, from 0 to 1. Ids are digests, so the last id tells how far a partition has come."""

    @property
    def customers(self) -> int | None:
        """About how many there are to fold; None while nothing can be said."""
        return round(self.folded / self.share) if self.share else None


class Publication(NamedTuple):
    """A published version, where and when it was logged."""

    place: Place
    slot: int
    logged_at: Microseconds
    published: Published


class Reread(NamedTuple):
    """Events at or after a moment mean something else, because of what was published at a place."""

    place: Place
    since: Microseconds


async def publish(connection: AsyncConnection, workspace: str, publications: Sequence[Publication]) -> list[Reread]:
    """Takes versions in, in the order of the log; what must be folded again under builds that there were before."""
    await _lock(connection, workspace)
    rereads: list[Reread] = []
    for publication in publications:
        if await _keep(connection, workspace, publication):
            rereads += await _assign(connection, workspace, publication)
    return rereads


async def _keep(connection: AsyncConnection, workspace: str, publication: Publication) -> bool:
    """Whether the version was not known yet."""
    row = {"workspace": workspace} | msgspec.structs.asdict(publication.published)
    same = [models.c[name] == row[name] for name in ("workspace", "journey", "version")]
    if (await connection.execute(select(models.c.seq).where(*same))).first():
        return False
    await connection.execute(insert(models).values(row | {"seq": publication.place.seq}))
    return True


async def _assign(connection: AsyncConnection, workspace: str, publication: Publication) -> list[Reread]:
    """Finds the builds for a version that is new."""
    place, _slot, logged_at, published = publication
    held = [build for build in await active(connection, workspace) if build.journey == published.journey]
    if not held:
        await _start(connection, workspace, publication, [published.version], LIVE)
        return []
    since = compile_version(msgspec.json.decode(published.document)).effective_from
    if since >= logged_at - _ABOUT_NOW:
        for build in held:
            await _change(connection, workspace, [build.number], versions=_write({*build.versions, published.version}))
        return [Reread(place, since)]
    known = select(models.c.version).where(models.c.workspace == workspace, models.c.journey == published.journey)
    versions = list((await connection.execute(known)).scalars())
    await _retire(connection, workspace, [build.number for build in held if not build.live])
    await _start(connection, workspace, publication, versions, BUILDING)
    return []


async def _start(
    connection: AsyncConnection, workspace: str, publication: Publication, versions: Collection[int], state: str
) -> None:
    place = publication.place
    number = place.seq << _SLOT_BITS | publication.slot
    row = {"build": number, "xid": place.xid, "journey": publication.published.journey, "state": state}
    await connection.execute(insert(builds).values(workspace=workspace, versions=_write(versions), **row))
    await _begin_progress(connection, workspace, [(number, partition) for partition in range(PARTITIONS)])


async def active(connection: AsyncConnection, workspace: str) -> list[Build]:
    """The builds that the fold makes or keeps up to date, as this transaction sees them."""
    query = select(*_COLUMNS).where(builds.c.workspace == workspace, builds.c.state != RETIRED)
    return [_build(*row) for row in await connection.execute(query.order_by(builds.c.build))]


async def hold(connection: AsyncConnection, workspace: str) -> None:
    """The fence of builds: call it late in a transaction with a snapshot that wrote rows of the builds it saw.

    Until the commit nobody changes or retires them, so that their sweep misses no row. If one was changed since the
    snapshot was taken, PostgreSQL refuses with a serialization failure, and the step must be made again.
    """
    if connection.dialect.name == "postgresql":
        seen = select(builds.c.build).where(builds.c.workspace == workspace, builds.c.state != RETIRED)
        await connection.execute(seen.order_by(builds.c.build).with_for_update(read=True))


async def progress(connection: AsyncConnection, workspace: str, partitions: Collection[int]) -> list[BuildProgress]:
    """Of these partitions those that are not through, live builds first: nobody sees their journey before."""
    at_build = (build_progress.c.workspace == builds.c.workspace) & (build_progress.c.build == builds.c.build)
    query = (
        select(build_progress.c.build, build_progress.c.partition, build_progress.c.after, build_progress.c.folded)
        .join(builds, at_build)
        .where(builds.c.workspace == workspace, builds.c.state != RETIRED, build_progress.c.done.is_(False))
        .where(build_progress.c.partition.in_(list(partitions)))
        .order_by(builds.c.state.desc(), builds.c.build, build_progress.c.partition)
    )
    return [BuildProgress(*row) for row in await connection.execute(query)]


async def advance(
    connection: AsyncConnection, workspace: str, build: int, partition: int, after: bytes, folded: int, done: bool
) -> None:
    """Sets how far a partition has come: `after` and `folded` as in BuildProgress, of all its steps together."""
    await connection.execute(
        update(build_progress)
        .where(
            build_progress.c.workspace == workspace,
            build_progress.c.build == build,
            build_progress.c.partition == partition,
        )
        .values(after=after, folded=folded, done=done)
    )


async def switch(connection: AsyncConnection, workspace: str) -> bool:
    """Makes every build LIVE whose partitions are all through; what was live before is retired. Whether there was one.

    One small query when there is none. Two processes may try at once: one of them does it. A snapshot does not show
    what another process has just finished, so call it in a transaction of its own, again and again.
    """
    if not await _ready(connection, workspace):
        return False
    await _lock(connection, workspace)
    ready = await _ready(connection, workspace)
    replaced = select(builds.c.build).where(
        builds.c.workspace == workspace, builds.c.state == LIVE, builds.c.journey.in_(ready.values())
    )
    await _retire(connection, workspace, list((await connection.execute(replaced)).scalars()))
    await _change(connection, workspace, list(ready), state=LIVE)
    return bool(ready)


async def _ready(connection: AsyncConnection, workspace: str) -> dict[int, str]:
    """Builds that can become live, with their journeys."""
    query = select(builds.c.build, builds.c.journey).where(
        builds.c.workspace == workspace, builds.c.state == BUILDING, ~_UNDONE
    )
    return {row.build: row.journey for row in await connection.execute(query)}


class Hidden(NamedTuple):
    """Which publications are not visible yet."""

    since: Place | None
    """From here on something is missing: a journey that readers see is not filled with all customers."""
    rows: frozenset[int]
    """Rows of the log with versions that builds beside live ones bring: these alone are missing, events since are not.
    """


async def hidden(connection: AsyncConnection, workspace: str) -> Hidden:
    query = select(*_COLUMNS).where(builds.c.workspace == workspace, _UNFINISHED)
    unfinished = [_build(*row) for row in await connection.execute(query)]
    since = min((build.place for build in unfinished if build.live), default=None)
    brought = {build.journey: set(build.versions) for build in unfinished if not build.live}
    return Hidden(since, await _not_live(connection, workspace, brought) if brought else frozenset())


async def _not_live(connection: AsyncConnection, workspace: str, brought: dict[str, set[int]]) -> frozenset[int]:
    """Rows of the log with versions of journeys that their live builds do not have.

    Some may have come with a build that another one replaced before it was finished, and that is swept away since.
    """
    of_live = builds.c.workspace == workspace, builds.c.state == LIVE, builds.c.journey.in_(brought)
    live = await connection.execute(select(builds.c.journey, builds.c.versions).where(*of_live))
    missing = brought | {row.journey: brought[row.journey].difference(_read_versions(row.versions)) for row in live}
    of_journeys = models.c.workspace == workspace, models.c.journey.in_(brought)
    known = await connection.execute(select(models.c.journey, models.c.version, models.c.seq).where(*of_journeys))
    return frozenset(row.seq for row in known if row.version in missing[row.journey])


async def rebuilds(connection: AsyncConnection, workspace: str) -> list[Rebuild]:
    """How far the builds are that are not finished."""
    at_build = (build_progress.c.workspace == builds.c.workspace) & (build_progress.c.build == builds.c.build)
    query = (
        select(*_COLUMNS, build_progress.c.after, build_progress.c.folded, build_progress.c.done)
        .join(build_progress, at_build)
        .where(builds.c.workspace == workspace, _UNFINISHED)
        .order_by(builds.c.build)
    )
    found: dict[Build, Rebuild] = {}
    for *columns, after, folded, done in await connection.execute(query):
        build = _build(*columns)
        sofar = found.get(build, Rebuild(build, 0, 0.0))
        share = 1.0 if done else int.from_bytes(after[:4].ljust(4, b"\0")) / (1 << 32)
        found[build] = Rebuild(build, sofar.folded + folded, sofar.share + share / PARTITIONS)
    return list(found.values())


async def retired(connection: AsyncConnection, workspace: str) -> list[int]:
    """The builds that are to be swept away."""
    query = select(builds.c.build).where(builds.c.workspace == workspace, builds.c.state == RETIRED)
    return list((await connection.execute(query.order_by(builds.c.build))).scalars())


async def sweep(connection: AsyncConnection, workspace: str, build: int, limit: int) -> int:
    """Deletes the next rows of a retired build: of up to `limit` customers, or up to `limit` counters.

    How many customers or counters these were; 0 when the build itself is gone, or another process is sweeping it. What
    customers hold of it in their states goes when they are folded next.
    """
    swept = build_progress.c.workspace == workspace, build_progress.c.build == build
    progress = select(build_progress.c.after).where(*swept).with_for_update(skip_locked=True)
    after = await connection.scalar(progress)
    if after is None:
        return 0
    query = select(instances.c.customer).where(
        instances.c.workspace == workspace, instances.c.build == build, instances.c.customer > after
    )
    query = query.distinct().order_by(instances.c.customer).limit(limit)
    customers = list((await connection.execute(query)).scalars())
    if customers:
        for table in (steps, instances):
            of_build = table.c.workspace == workspace, table.c.build == build
            await connection.execute(delete(table).where(*of_build, among(connection, table.c.customer, customers)))
        await connection.execute(update(build_progress).where(*swept).values(after=customers[-1]))
        return len(customers)
    cells = list(counters.primary_key.columns)
    some = select(*cells).where(counters.c.workspace == workspace, counters.c.build == build).limit(limit)
    deleted = (await connection.execute(delete(counters).where(tuple_(*cells).in_(some)))).rowcount
    if not deleted:
        await connection.execute(delete(build_progress).where(*swept))
        await connection.execute(delete(builds).where(builds.c.workspace == workspace, builds.c.build == build))
    return deleted


async def _lock(connection: AsyncConnection, workspace: str) -> None:
    """Who changes which builds there are does so alone. What is read afterwards is as the former one left it."""
    current = select(builds.c.build).where(builds.c.workspace == workspace, builds.c.state != RETIRED)
    await connection.execute(current.order_by(builds.c.build).with_for_update())


async def _retire(connection: AsyncConnection, workspace: str, numbers: Collection[int]) -> None:
    await _change(connection, workspace, numbers, state=RETIRED)
    of_builds = build_progress.c.workspace == workspace, build_progress.c.build.in_(numbers)
    await connection.execute(delete(build_progress).where(*of_builds))
    await _begin_progress(connection, workspace, [(number, _SWEPT) for number in numbers])


async def _change(connection: AsyncConnection, workspace: str, numbers: Collection[int], **columns: str) -> None:
    await connection.execute(
        update(builds).where(builds.c.workspace == workspace, builds.c.build.in_(numbers)).values(**columns)
    )


async def _begin_progress(connection: AsyncConnection, workspace: str, parts: Sequence[tuple[int, int]]) -> None:
    rows = [
        {"workspace": workspace, "build": build, "partition": part, "after": b"", "folded": 0, "done": False}
        for build, part in parts
    ]
    if rows:
        await connection.execute(insert(build_progress), rows)


def _write(versions: Collection[int]) -> str:
    return msgspec.json.encode(sorted(versions)).decode()


def _build(number: int, journey: str, versions: str, state: str, xid: int) -> Build:
    return Build(number, journey, _read_versions(versions), state == LIVE, _place(xid, number))


def _place(xid: int, number: int) -> Place:
    return Place(xid, number >> _SLOT_BITS)


_COLUMNS = (builds.c.build, builds.c.journey, builds.c.versions, builds.c.state, builds.c.xid)
_UNDONE: ColumnElement[bool] = (
    exists()
    .where(
        build_progress.c.workspace == builds.c.workspace,
        build_progress.c.build == builds.c.build,
        build_progress.c.done.is_(False),
    )
    .correlate(builds)
)
_UNFINISHED: ColumnElement[bool] = or_(builds.c.state == BUILDING, (builds.c.state == LIVE) & _UNDONE)
