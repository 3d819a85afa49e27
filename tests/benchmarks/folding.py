"""What the pure part of the projector is measured on: histories, builds, and each of its stages by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import TypeVar

from infra.chassis.memory import settle
from services.events.insights.domain import Tally
from services.events.intake.slots import Recorded, unpack
from services.events.live.domain import EMPTY, History, Schedule, compile_version
from services.events.projector.difference import Difference
from services.events.projector.walk import Walk
from services.events.projector.work import Built, Work
from services.events.timeline.domain import BEGINNING, END
from services.events.timeline.entry import Entry
from tests.benchmarks.histories import BEGIN, DAY, Json, Packed, history

CUSTOMERS = 1_500
EVENTS = 20
NOW = BEGIN + 100 * DAY
"""Silence has ended everything by then."""
_SECRET = b"s" * 16
_T = TypeVar("_T")
Histories = dict[str, list[Entry]]
Builds = Mapping[int, Built]


def some_customers() -> dict[str, list[Recorded]]:
    """Each is there for about three weeks."""
    settle()  # as the projector does
    return {f"customer-{number}": history(f"customer-{number}", EVENTS, DAY) for number in range(CUSTOMERS)}


def builds_of(documents: Sequence[Json]) -> dict[int, Built]:
    """A build of each journey, with all of its versions."""
    by_journey: dict[str, list[Json]] = {}
    for document in documents:
        by_journey.setdefault(document["key"], []).append(document)
    return {
        number: Built(number, journey, Schedule(journey, [compile_version(document) for document in versions]))
        for number, (journey, versions) in enumerate(by_journey.items(), 1)
    }


def decode(log: Packed) -> Histories:
    """From the rows of the log to whole histories in their order."""
    rows = [
        [Entry.of(number, slot, held) for slot, held in enumerate(unpack(body)) if isinstance(held, Recorded)]
        for number, body in enumerate(log.rows)
    ]
    by_key = attrgetter("key")
    return {
        customer: sorted((rows[row][slot] for row, slot in places), key=by_key)
        for customer, places in log.histories.items()
    }


def recognise(histories: Histories, builds: Builds) -> None:
    """The rules alone: what each event is to each version."""
    recognisers = [version.recogniser for built in builds.values() for version in built.schedule.versions]
    for entries in histories.values():
        for entry in entries:
            for recogniser in recognisers:
                recogniser.recognise(entry)


def fold(histories: Histories, builds: Builds) -> None:
    """The journeys' whole semantics: the instances of each customer, and where each history stands at its end."""
    for entries in histories.values():
        for built in builds.values():
            followed = History(built.schedule)
            for entry in entries:
                followed.add(entry)
            followed.until(NOW)
            followed.state()


def works_of(histories: Histories, builds: Builds) -> list[Work]:
    """Customers of whom nothing is stored."""
    return [
        Work(
            blake2b(customer.encode(), digest_size=16).digest(),
            None,
            END,
            BEGINNING,
            END,
            dict.fromkeys(builds, EMPTY),
            entries=entries,
        )
        for customer, entries in histories.items()
    ]


def walk(works: Sequence[Work], builds: Builds) -> list[Walk]:
    """The fold as the projector makes it, with checkpoints."""
    return [Walk(work, builds) for work in works]


def compare(works: Sequence[Work], walks: Sequence[Walk], builds: Builds) -> list[Difference]:
    """Rows to write."""
    return [Difference(work, builds, walked, _SECRET, NOW) for work, walked in zip(works, walks, strict=True)]


def tally(differences: Sequence[Difference]) -> Tally:
    """What counters gain."""
    sums = Tally()
    for difference in differences:
        for row, sign in difference.standing:
            sums.instance(row, sign)
        for row, before, steps, sign in difference.walked:
            sums.steps(row, before, steps, sign)
    return sums


def timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """What it gives, and the seconds of CPU that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start
