"""What the all-in-one process takes: memory when idle, and the time until a later start answers."""

from __future__ import annotations

import time
from typing import NamedTuple

from tests.benchmarks.measuring import Bench, Figure, at_most, figure, resident_megabytes
from tests.support.platform import one_process
from tests.support.stories import shop_journey

TITLE = "Footprint of klantreis up on SQLite"
_REQUESTS = 10
_TARGET_MEGABYTES = 250
_TARGET_SECONDS = 3


class _Round(NamedTuple):
    seconds: float
    megabytes: float


async def measure(bench: Bench) -> list[Figure]:
    with one_process(bench.folder) as platform:  # the first start makes databases and keys
        platform.publish(shop_journey("shop"))
    rounds = []
    for number in range(bench.rounds):
        bench.say(f"round {number + 1}")
        rounds.append(_start(bench))
    return [
        figure("later start until it answers", "s", (one.seconds for one in rounds), at_most(_TARGET_SECONDS)),
        figure("resident memory when idle", "MB", (one.megabytes for one in rounds), at_most(_TARGET_MEGABYTES)),
    ]


def _start(bench: Bench) -> _Round:
    start = time.perf_counter()
    with one_process(bench.folder) as platform:
        seconds = time.perf_counter() - start
        for number in range(_REQUESTS):
            platform.send("/v1/track", {"userId": f"u{number}", "event": "Product Viewed"})
        platform.settle()
        return _Round(seconds, resident_megabytes(platform.processes["up"].pid))
