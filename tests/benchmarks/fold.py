"""The fold alone, without a database: events of the log until the rows that are written, on one core."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tests.benchmarks import folding
from tests.benchmarks.folding import Builds, builds_of, decode, some_customers, timed, works_of
from tests.benchmarks.histories import Packed, chairs, journeys, packed
from tests.benchmarks.measuring import Bench, Figure, at_least, figure, interleaved

TITLE = "The fold of full semantics, one core, CPU time"
_TARGET = 40_000


class _Round(NamedTuple):
    """Of the stages microseconds for each event."""

    decode: float
    rules: float
    fold: float
    """The rules included."""
    walk: float
    """The same with checkpoints, as the projector does it."""
    difference: float
    tally: float

    @property
    def events_a_second(self) -> float:
        return 1e6 / (self.decode + self.fold)


async def measure(bench: Bench) -> list[Figure]:
    log = packed(some_customers())
    sides = {"one journey": builds_of([chairs(1, None)]), "three journeys": builds_of(journeys())}

    async def measured(builds: Builds, _number: int) -> _Round:
        return _measured(log, builds)

    rounds = await interleaved(bench, {name: partial(measured, builds) for name, builds in sides.items()})
    return [
        *(
            figure(
                f"events/s, decoding included, {name}",
                "1/s",
                (one.events_a_second for one in rounds[name]),
                at_least(_TARGET),
            )
            for name in sides
        ),
        *(
            figure(f"{stage} an event, {name}", "µs", (getattr(one, stage) for one in rounds[name]))
            for name in sides
            for stage in _Round._fields
        ),
    ]


def _measured(log: Packed, builds: Builds) -> _Round:
    """What entries have read lazily stays with them, so the rules and both folds have fresh ones."""
    _, rules = timed(partial(folding.recognise, decode(log), builds))
    histories, decoding = timed(partial(decode, log))
    _, fold = timed(partial(folding.fold, histories, builds))
    works = works_of(decode(log), builds)
    walks, walking = timed(partial(folding.walk, works, builds))
    differences, comparing = timed(partial(folding.compare, works, walks, builds))
    _, tallying = timed(partial(folding.tally, differences))
    return _Round(*(seconds / log.events * 1e6 for seconds in (decoding, rules, fold, walking, comparing, tallying)))
