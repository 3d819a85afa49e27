"""Who customers are, against the plainest evaluation over their whole histories.

Two dozen people whose events come late, in any order and twice, and who become one customer by later logins; personas
that are published meanwhile; and moments at which windows open and close, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from tests.events.personas.asking import asking, persona
from tests.events.projector.any_order.world import DAYS, world
from tests.oracle import identity as identity_oracle
from tests.oracle.journey import place
from tests.support.histories import DAY, EPOCH
from tests.support.reality import Reality

Json = dict[str, Any]
_ROWS = [1, 3, 12, 50]


@dataclass(frozen=True)
class Seen:
    """A customer at a moment."""

    events: Sequence[Json]
    traits: Json
    now: int

    def moments(self, name: str, days: float | None = None) -> list[int]:
        since = -1 if days is None else self.now - days * DAY
        return [one["occurredAt"] for one in self.events if one["name"] == name and one["occurredAt"] > since]

    def ago(self, name: str) -> int | None:
        moments = self.moments(name)
        return self.now - max(moments) if moments else None


@dataclass(frozen=True)
class Case:
    """A persona, and whom it means in other words."""

    key: str
    version: int
    rule: str
    means: Callable[[Seen], bool]

    @property
    def document(self) -> Json:
        return persona(self.key, self.rule, self.version)


def _older(seen: Seen) -> bool:
    bought, paid = seen.ago("Buy"), seen.ago("Pay")
    return bought is not None and paid is not None and bought < paid


CASES = [
    Case("d", 1, 'count("View", "P9D") >= 2', lambda seen: len(seen.moments("View", 9)) >= 2),
    Case(
        "b", 1, "traits.x >= 5 || traits.y == 3", lambda seen: seen.traits.get("x", 0) >= 5 or seen.traits.get("y") == 3
    ),
    Case(
        "c",
        1,
        'seen("Buy", "P20D") && !seen("Cancel", "P5D")',
        lambda seen: bool(seen.moments("Buy", 20)) and not seen.moments("Cancel", 5),
    ),
    Case("e", 1, 'since("View") > duration("P30D")', lambda seen: (seen.ago("View") or 0) > 30 * DAY),
    Case(
        "a",
        1,
        'count("Other", "PT36H") > count("View", "P40D")',
        lambda seen: len(seen.moments("Other", 1.5)) > len(seen.moments("View", 40)),
    ),
    Case("d", 2, 'since("Buy") < since("Pay")', _older),
    Case(
        "f",
        1,
        'traits.z != 4 && seen("View", "P2D")',
        lambda seen: seen.traits.get("z", 4) != 4 and bool(seen.moments("View", 2)),
    ),
]


class History:
    """What was logged, as the oracles see it."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], Json] = {}

    def add(self, events: Sequence[Json]) -> None:
        """Of a message that is repeated with other content the first one counts."""
        for event in events:
            self._events.setdefault((event["source"], event["messageId"]), event)

    def people(self) -> list[identity_oracle.Component]:
        return identity_oracle.replay(list(self._events.values()))[0]

    def moments(self, random: Random) -> list[int]:
        """Around those at which windows of the rules open and close."""
        chosen = random.sample(list(self._events.values()), 6)
        lengths = [0, 1.5, 2, 5, 9, 20, 30, 40]
        exact = [one["occurredAt"] + int(random.choice(lengths) * DAY) for one in chosen]
        return [moment + random.choice([-1, 0, 1]) for moment in exact]


def expected(component: identity_oracle.Component, cases: Sequence[Case], moment: int | None, now: int) -> Any:
    """(persona, version, fit) of a customer at a moment; None: now."""
    events = [one for one in component.events if moment is None or one["occurredAt"] <= moment]
    if not events:
        return None
    known = identity_oracle.shown(identity_oracle.Component({}, sorted(events, key=place)))
    at = max(now, max(one["occurredAt"] for one in events)) if moment is None else moment
    matching = [case for case in cases if case.means(Seen(events, known["traits"], at))]
    return (matching[0].key, matching[0].version, 1 / len(matching)) if matching else None


def in_force(cases: Sequence[Case]) -> list[Case]:
    return sorted({case.key: case for case in cases}.values(), key=lambda case: case.key)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_customer_is_whom_the_whole_history_says(database_url: str, seed: int) -> None:
    random = Random(seed)
    happened = world(seed, hot=120)
    left = [*happened.heard, *happened.stragglers]
    history, published = History(), list[Case]()
    waiting = list(CASES)
    async with Reality(database_url) as reality:
        reality.now = EPOCH + DAYS * DAY * seed // 4
        while left or waiting:
            row, left = left[: (size := random.choice(_ROWS))], left[size:]
            if row:
                await reality.record(row)
                history.add(row)
            if waiting and random.random() < 0.3:
                published.append(waiting.pop(0))
                await reality.publish_personas([published[-1].document] * random.choice([1, 2]))
            if random.random() < 0.1:
                await _compare(reality, history, in_force(published), random)
        assert await _compare(reality, history, in_force(published), random) > 30


async def _compare(reality: Reality, history: History, cases: Sequence[Case], random: Random) -> int:
    """How many customers were found to be somebody."""
    await reality.project()
    people = history.people()
    asked = [next(iter(component.verified)) for component in people]
    found = 0
    async with asking(reality) as asking_who:
        for moment in (None, *history.moments(random)):
            told = await asking_who.who(*asked, as_of=moment)
            wanted = [expected(component, cases, moment, reality.now) for component in people]
            assert [one and (one["persona"], one["version"], one["fit"]) for one in told] == wanted
            found += sum(one is not None for one in wanted)
    return found
