"""How far reality is processed, as a metric: of all workspaces together, since one that lags is enough to look."""

from __future__ import annotations

import asyncio
import logging
import math

from prometheus_client import Gauge

from infra.chassis.clock import Clock
from infra.chassis.errors import Unavailable
from services.events.intake.store import LogStore
from services.events.projector.progress import Progress

_log = logging.getLogger(__name__)
_SECONDS = 2.0
_LOGGED = Gauge("klantreis_log_entries", "Entries ever logged: events, refused events and published models.")
_LAG = Gauge("klantreis_log_lag_entries", "How many of them are not visible yet. NaN while nobody can tell.")
_AGE = Gauge("klantreis_log_lag_seconds", "How long the oldest of those has been waiting; 0 without lag.")
_REBUILDING = Gauge("klantreis_rebuilding_journeys", "Journeys whose histories are being folded for a version.")
_STUCK = Gauge("klantreis_stuck_customers", "Customers with events that cannot be folded.")
_ALL = (_LOGGED, _LAG, _AGE, _REBUILDING, _STUCK)


class LogMetrics:
    def __init__(self, log: LogStore, progress: Progress, clock: Clock) -> None:
        self._log = log
        self._progress = progress
        self._clock = clock

    async def refresh(self) -> None:
        """Looks; what cannot be told within two seconds is not a number."""
        values = [math.nan] * len(_ALL)
        try:
            async with asyncio.timeout(_SECONDS):
                values = await self._values()
        except (Unavailable, TimeoutError):
            pass  # readiness says so
        except Exception:
            _log.exception("nobody can tell how far reality is processed")
        for gauge, value in zip(_ALL, values, strict=True):
            gauge.set(value)

    async def _values(self) -> list[float]:
        statuses = [await self._progress.status(workspace) for workspace in await self._log.workspaces()]
        oldest = [status.oldest_logged_at for status in statuses if status.oldest_logged_at is not None]
        age = max(0, self._clock() - min(oldest)) / 1_000_000 if oldest else 0
        return [
            sum(status.logged for status in statuses),
            sum(status.lag for status in statuses),
            age,
            sum(len(status.rebuilds) for status in statuses),
            sum(status.stuck for status in statuses),
        ]
