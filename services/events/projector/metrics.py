"""What a projector counts of its steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import ParamSpec

from prometheus_client import Counter, Gauge, Histogram

P = ParamSpec("P")

_STEPS = Histogram(
    "klantreis_projector_step_seconds",
    "Steps that had something to do, by stage or lane.",
    ("step",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_DONE = Counter(
    "klantreis_projector_done",
    "What steps did: `identify` counts entries of the log, `fold` and `slow` customers, others what they do.",
    ("step",),
)
FOLDED = Counter("klantreis_projector_folded_events", "Events folded, some of them again.")
FAILURES = Counter("klantreis_projector_failures", "Steps that failed, changed nothing and are tried again.")
SET_ASIDE = Counter(
    "klantreis_projector_set_aside", "Entries of the log that could not be taken in: `event` or `version`.", ("kind",)
)
LEASES = Gauge("klantreis_projector_leases", "Parts of the work that this process owns.")


def measured(name: str, step: Callable[P, Awaitable[int]]) -> Callable[P, Awaitable[int]]:
    """`step`, which says how much it did. One that did nothing only looked, and is not counted."""
    seconds, amount = _STEPS.labels(name), _DONE.labels(name)

    async def step_measured(*args: P.args, **kwargs: P.kwargs) -> int:
        began = perf_counter()
        done = await step(*args, **kwargs)
        if done:
            seconds.observe(perf_counter() - began)
            amount.inc(done)
        return done

    return step_measured
