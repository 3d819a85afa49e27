"""The slow lane: customers with a long history to fold, one at a time, beside everything else.

Reading and folding happen in a snapshot that holds nobody up; only writing takes its turn. Nobody else folds a customer
of this lane meanwhile: its partition has one owner, and the owner's other lanes leave it out.
"""

from __future__ import annotations

from sqlalchemy import text

from services.events.live.store import standing
from services.events.models import builds
from services.events.partitions import partition_of
from services.events.projector import dirty, stuck
from services.events.projector.dirty import Waiting
from services.events.projector.fold import STEP_ERRORS, Lanes, Slow

_PATIENCE = text("SET LOCAL idle_in_transaction_session_timeout = '15min'")
"""Nothing is heard of the transaction while the history is folded. It writes nothing, so nobody waits for its end."""


class SlowLane:
    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    async def step(self) -> int:
        """Folds the customer that has waited longest; how many it folded."""
        lanes = self._lanes
        if not lanes.slow:
            return 0
        (workspace, customer), why = next(iter(lanes.slow.items()))
        try:
            await self._fold(workspace, customer, why)
        except STEP_ERRORS as error:
            await lanes.smaller(1, workspace, [customer], error)
            raise
        finally:
            del lanes.slow[workspace, customer]  # whatever is left to do is marked, and found again
        return 1

    async def _fold(self, workspace: str, customer: bytes, why: Slow) -> None:
        lanes = self._lanes
        epochs, _partitions = lanes.partitions()
        lease = f"fold/{partition_of(customer)}"
        if lease not in epochs:
            return
        waiting: Waiting | None = None
        async with lanes.state.read(snapshot=True) as connection:
            if not lanes.state.is_sqlite:
                await connection.execute(_PATIENCE)
            bench = await lanes.bench(connection, workspace)
            listed = await stuck.listed(connection, workspace, [customer])
            if why.build is None:
                waiting = await dirty.waiting_of(connection, workspace, customer)
                works = await bench.works({customer: waiting.change}, listed) if waiting else []
            elif why.build in {build.number for build in bench.active}:
                stored = await standing.stored_customers(connection, workspace, [customer])
                works = await bench.catch_up(why.build, list(stored.values()), listed)
            else:
                works = []  # another version was published meanwhile
            folded = await bench.fold(works, lanes.clock())
        async with lanes.turn, lanes.state.write(snapshot=True) as connection:
            if await builds.active(connection, workspace) != bench.active:
                return  # something was published meanwhile
            await lanes.write(connection, workspace, folded, works)
            if waiting is not None:
                await dirty.clear_until(connection, workspace, customer, waiting.last)
            await lanes.leases.check(connection, {lease: epochs[lease]})
