"""Entries of the log that cannot be taken in: found, set aside and told of, so that they do not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from infra.chassis.errors import Problem
from services.events.intake.slots import Published, PublishedPersona, Refused
from services.events.intake.store import LogRow
from services.events.projector import fold
from services.events.projector.leases import LeaseLost
from services.events.projector.metrics import SET_ASIDE
from services.events.timeline.entry import Entry, as_sent
from services.events.timeline.reader import Spot
from services.events.timeline.store import UNPROCESSABLE, RejectedRow

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_MESSAGE = "The log has it, but this release cannot take it in. A replay by one that can makes it count."

FEW_SLOTS = 1_000
"""In which it is looked for what cannot be taken in: on PostgreSQL nobody reads the log past such a transaction."""


async def narrow(entries: Sequence[_T], take: Callable[[Sequence[_T]], Awaitable[bool]]) -> list[_T]:
    """Has all entries taken in their order, and gives those that cannot be taken even alone.

    `take` says whether it has taken a stretch; of one that it has not, nothing may be left. Costs one call if there is
    nothing to be found, and about twice the logarithm of the number of entries for each that is.
    """
    found: list[_T] = []
    waiting = [entries] if entries else []
    while waiting:
        stretch = waiting.pop()
        if await take(stretch):
            continue
        if len(stretch) == 1:
            found += stretch
        else:
            middle = len(stretch) // 2
            waiting += [stretch[middle:], stretch[:middle]]
    return found


def portions(rows: Sequence[LogRow]) -> list[list[LogRow]]:
    """The rows in their order, of so few slots together as FEW_SLOTS says, or alone."""
    found: list[list[LogRow]] = []
    slots = 0
    for row in rows:
        slots += len(row.slots)
        if not found or slots > FEW_SLOTS:
            found.append([])
            slots = len(row.slots)
        found[-1].append(row)
    return found


def is_about_entries(error: Exception) -> bool:
    """Whether what the entries say cannot be taken in, so that to try again would be in vain.

    Not if a database is away, refuses a step because of another one, or somebody else does the work now.
    """
    if isinstance(error, DBAPIError | asyncpg.PostgresError):
        return fold.is_about_the_data(cause_of(error))
    return not isinstance(error, _NOT_ABOUT_ENTRIES)


_NOT_ABOUT_ENTRIES = (Problem, LeaseLost, SQLAlchemyError, asyncpg.InterfaceError, OSError, MemoryError)


def cause_of(error: BaseException) -> BaseException:
    """What the driver of the database raised, if it was that."""
    return getattr(error, "orig", None) or error


def unprocessable(entry: Entry) -> RejectedRow:
    """An event, as it is listed when it is set aside."""
    recorded = entry.recorded
    body = msgspec.json.encode(as_sent(recorded))
    return RejectedRow(entry.seq, entry.slot, entry.source, recorded.received_at, UNPROCESSABLE, _MESSAGE, "[]", body)


def unlistable(refused: Refused) -> Refused:
    """A refused event of which the reason cannot be stored."""
    return msgspec.structs.replace(refused, code=UNPROCESSABLE, message=_MESSAGE, path=())


def tell(
    workspace: str,
    rejected: Sequence[RejectedRow],
    left_out: Sequence[Published | PublishedPersona],
    errors: Mapping[Spot, str],
) -> None:
    """Says of a step, once it is committed, what it has set aside."""
    events = [f"{row.seq}-{row.slot}" for row in rejected if row.code == UNPROCESSABLE]
    versions = [f"{one.journey if isinstance(one, Published) else one.persona} {one.version}" for one in left_out]
    details = {"workspace": workspace, "errors": sorted(set(errors.values()))}
    if events:
        _log.error("events cannot be taken in and are set aside", extra=details | {"events": events})
    if versions:
        _log.error("published versions cannot be taken in and are left out", extra=details | {"versions": versions})
    SET_ASIDE.labels("event").inc(len(events))
    SET_ASIDE.labels("version").inc(len(versions))
