"""What a process counts and measures, as Prometheus reads it.

Metrics are the process's, so they live beside the code that counts, made once as its module is loaded. Their labels are
words of ours: routes as they are written, codes, names of services and steps. Nothing that anybody sends becomes one.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, disable_created_metrics, generate_latest

__all__ = ["CALLS", "CONTENT_TYPE", "LOG_LINES", "REQUESTS", "exposition"]

# When each series began would be a third of the lines, and nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Histogram(
    "klantreis_request_seconds",
    "From the request to the beginning of its answer, by route and status.",
    ("route", "status"),
    buckets=_SECONDS,
)
CALLS = Histogram(
    "klantreis_upstream_seconds",
    "Calls to another service, by its name and what came of them: the class of the status, `away`, `not waited for`.",
    ("service", "outcome"),
    buckets=_SECONDS,
)
LOG_LINES = Counter("klantreis_log_lines", "Lines logged, by level.", ("level",))


def exposition() -> bytes:
    """All metrics of this process, in the text format."""
    return generate_latest()
