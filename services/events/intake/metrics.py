"""What the front door counts: per request, never for each event that is well."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from services.events.intake.slots import Refused

COMMITS = Histogram(
    "klantreis_log_commit_seconds",
    "Commits of the log: for as long an acknowledgement waits for the disk.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
REFUSED = Counter("klantreis_intake_refused_requests", "Requests of which nothing was taken, by code.", ("code",))
_ACCEPTED = Counter("klantreis_intake_accepted_events", "Events that are in the log.")
_REJECTED = Counter("klantreis_intake_rejected_events", "Events that are kept, but could not be accepted.", ("code",))


def count_logged(slots: int, rejected: Sequence[Refused]) -> None:
    _ACCEPTED.inc(slots - len(rejected))
    if rejected:
        for code, number in collections.Counter(refused.code for refused in rejected).items():
            _REJECTED.labels(code).inc(number)
