"""When the simulated shop's customers come: days of history, and then day after day without end. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, count
from random import Random

from infra.demo.facts import Ledger
from infra.demo.script import life
from infra.demo.shop import HOURS, OPENS
from infra.demo.telling import DAY, HOUR, MINUTE, Call, Visit

_HOURS = list(accumulate(HOURS[OPENS:] + HOURS[:OPENS]))
"""From opening on, because that is when days begin here."""
QUIET = 15 * MINUTE
"""Visits of history end at least so long before the demo begins, so that whoever left a checkout has left it."""


@dataclass(frozen=True)
class Simulation:
    """What happens in the simulated shop, all of which follows from this."""

    seed: int
    days: int = 90
    """Of history."""
    customers: int = 40
    """New ones a day."""
    tag: str = ""
    """Tells the customers of one run of the demo from those of another."""

    @cached_property
    def lives(self) -> list[list[Visit]]:
        """Of whoever came in the days of history."""
        return [visits for day in range(self.days) for visits in self._day(day)]

    @property
    def history(self) -> Iterator[Call]:
        """Customer by customer, each in the order in which it happened."""
        return (call for visit in self._over() for call in visit.calls)

    @property
    def ledger(self) -> Ledger:
        """Of history."""
        return Ledger(fact for visit in self._over() for fact in visit.facts)

    @staticmethod
    def is_history(visit: Visit) -> bool:
        return visit.ends < -QUIET

    def live(self) -> Iterator[Call]:
        """What happens behind history, in the order in which it happens, without end."""
        begun = (visit for visits in self.lives for visit in visits if not self.is_history(visit))
        waiting = [(call.at, number, call) for number, call in enumerate(call for one in begun for call in one.calls)]
        heapq.heapify(waiting)
        numbers = count(len(waiting))
        for day in count(self.days):
            while waiting and waiting[0][0] < (day - self.days) * DAY:
                yield heapq.heappop(waiting)[-1]
            for visits in self._day(day):
                for visit in visits:
                    for call in visit.calls:
                        heapq.heappush(waiting, (call.at, next(numbers), call))

    def _day(self, day: int) -> Iterator[list[Visit]]:
        """The lives that begin on a day; the first of history is day 0."""
        seed = f"{self.seed}{self.tag}"
        chance = Random(f"{seed}/day {day}")
        for number in range(self.customers):
            hour = chance.choices(range(24), cum_weights=_HOURS)[0]
            begins = (day - self.days) * DAY + hour * HOUR + chance.randrange(HOUR)
            yield life(seed, day * self.customers + number, begins)

    def _over(self) -> Iterator[Visit]:
        return (visit for visits in self.lives for visit in visits if self.is_history(visit))
