"""One examination of a whole installation, running or stopped; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.clock import Clock, system_clock
from infra.chassis.database import Database, chunked
from services.events.doctor.comparing import Comparing
from services.events.doctor.counting import WrongCounter, wrong_counters
from services.events.doctor.sampling import sampled
from services.events.doctor.sources import WrongSource, wrong_sources
from services.events.intake.store import LogStore
from services.events.models.queries import Models
from services.events.timeline.reader import EntryReader

_PORTION = 100


class Part(StrEnum):
    CUSTOMERS = "folding customers anew"
    COUNTERS = "adding up contributions"
    SOURCES = "counting what sources sent"


Watch = Callable[[Part, int, int], None]
"""Is told how much of a part is done, of how much; 0 of 0 if nobody can tell."""


@dataclass(frozen=True, slots=True)
class Options:
    customers: int | None
    """How many of each workspace are looked at; None: all."""
    seed: int
    """The same one chooses the same customers, while there are the same."""


@dataclass(slots=True)
class Examined:
    """What was found, over all workspaces."""

    customers: int = 0
    waiting: int = 0
    stuck: int = 0
    """Customers that were looked at, and of these those of whom nothing can be said: about to be folded, or never."""
    differences: dict[str, list[str]] = field(default_factory=dict)
    """By customer id, kinds of what differs."""
    wrong_counters: list[WrongCounter] = field(default_factory=list)
    wrong_sources: list[WrongSource] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.differences or self.wrong_counters or self.wrong_sources)


async def examine(
    log_database: Database, state: Database, options: Options, watch: Watch, clock: Clock = system_clock
) -> Examined:
    """Compares what one moment shows. Raises Unavailable."""
    log = LogStore(log_database)
    examined = Examined()
    async with state.read(snapshot=True) as connection:
        if not state.is_sqlite:  # a long history may take longer to fold than silence is tolerated
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        for workspace in await log.workspaces():
            await _examine(connection, log, state, workspace, options, examined, watch, clock)
    return examined


async def _examine(
    connection: AsyncConnection,
    log: LogStore,
    state: Database,
    workspace: str,
    options: Options,
    examined: Examined,
    watch: Watch,
    clock: Clock,
) -> None:
    secret, reader = await log.secret(workspace), EntryReader(log)
    comparing = await Comparing.prepared(connection, workspace, secret, Models(state), reader, clock())
    asked = await sampled(connection, workspace, options.customers, options.seed)
    done = 0
    for some in chunked(asked, _PORTION):
        compared = await comparing.compare(some)
        examined.differences |= {customer.hex(): found for customer, found in compared.differences.items()}
        examined.waiting += compared.waiting
        examined.stuck += compared.stuck
        done += len(some)
        watch(Part.CUSTOMERS, done, len(asked))
    examined.customers += len(asked)
    watch(Part.COUNTERS, 0, 0)
    examined.wrong_counters += await wrong_counters(connection, workspace)
    tell = partial(watch, Part.SOURCES)
    examined.wrong_sources += await wrong_sources(connection, log, reader, workspace, secret, tell)
