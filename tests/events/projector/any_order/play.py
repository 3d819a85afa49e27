"""Plays a script, asks the oracles what must be there, and projects the same log once more in one go."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from services.events import tables
from tests.events.projector.any_order.maps import JOURNEYS, version_of
from tests.events.projector.any_order.script import Script, Turn
from tests.events.projector.any_order.stages import Stages
from tests.events.projector.any_order.tables import contents, counters_and_sums, strays, wrong_alarms
from tests.events.projector.any_order.told import Told
from tests.events.projector.any_order.world import DAYS, world
from tests.oracle import identity as identity_oracle
from tests.oracle import journey as journey_oracle
from tests.support.histories import DAY, EPOCH
from tests.support.reality import Reality

Json = dict[str, Any]

_ASKED = ["View", "Buy", "Other", "Cancel", "Ask", "View"]
_ROWS = [1, 1, 3, 12, 50, 300]
_TRICKLE = 10


async def mismatches(script: Script, played_url: str, replayed_url: str) -> list[str]:
    """What is not as it must be after the script: each with the first difference. The databases must be empty."""
    async with Reality(played_url) as played:
        async with Player(played, script) as player:
            await player.play()
        if stray := await strays(played):
            return [f"strays: {stray}"]
        found = compared("customers", [_without_id(one) for one in await played.customers()], player.expected())
        counters, sums = await counters_and_sums(played)
        found += compared("counters", counters, sums)
        found += compared("alarms", await wrong_alarms(played), [])
        often = await contents(played)
    places = [(row["seq"], row["slot"]) for row in often["rejected_events"]]
    found += compared("rejected events", places, player.rejected)
    once = await player.told.replayed(replayed_url)
    for name, rows in often.items():
        found += compared(name, rows, once[name])
    return found


class Player:
    """Lets a process live through a script, and remembers what it was told. Open with `async with`."""

    def __init__(self, reality: Reality, script: Script) -> None:
        self._reality = reality
        self._turns = script.turns
        self._random = Random(script.seed + 1)
        happened = world(script.seed, script.hot)
        self._left, self._stragglers = happened.heard, happened.stragglers
        self._part = len(self._left) // (script.turns.count(Turn.HEAR) + 1) + 1
        self._latest = reality.now = EPOCH + self._random.randrange(DAYS // 2) * DAY
        self._stages = Stages(reality)
        self.told = Told(reality)
        self._versions: dict[str, list[Json]] = {}
        self._personas = 0
        self._events: dict[tuple[str, str], Json] = {}
        self.rejected: list[tuple[int, int]] = []
        """Places of events in the log that repeat a message with other content."""

    async def __aenter__(self) -> Player:
        await self._stages.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._stages.__aexit__(*details)

    async def play(self) -> None:
        """All turns; then whatever is left is heard of, and everything is visible."""
        for journey in self._random.sample(JOURNEYS, self._random.randint(1, len(JOURNEYS))):
            await self._publish(journey, None)
        for turn in self._turns:
            await self._take(turn)
        for journey in JOURNEYS:
            if journey not in self._versions:
                await self._publish(journey, None)
        await self._hear(len(self._left))
        await self._stages.finish()
        while self._stragglers:  # last, because much is folded wholly whenever many are heard of
            await self._trickle()
        await self._end()

    def expected(self) -> list[Json]:
        """The customers that the oracles make of all that was logged."""
        components, _refusals = identity_oracle.replay(list(self._events.values()))
        return [
            identity_oracle.shown(component)
            | {
                "instances": [
                    instance
                    for journey in JOURNEYS
                    for instance in journey_oracle.fold(self._versions[journey], component.events, self._reality.now)
                ]
            }
            for component in components
        ]

    # --- turns -------------------------------------------------------------------------------------------------------

    async def _take(self, turn: Turn) -> None:
        reality, stages = self._reality, self._stages
        match turn:
            case Turn.HEAR:
                await self._hear(self._part)
            case Turn.TRICKLE:
                await self._trickle()
            case Turn.LISTEN:
                await stages.identify()
            case Turn.FOLD:
                await stages.fold()
            case Turn.CATCH_UP:
                await stages.catch_up()
            case Turn.PROJECT:
                await stages.finish()
            case Turn.RESTART:
                await self._restart()
            case Turn.WEEK:
                reality.now += 7 * DAY
            case Turn.DEADLINE:
                reality.now = await self._deadline(reality.now)
            case Turn.LEAP:
                reality.now += 60 * DAY
            case Turn.BACK:
                reality.now -= 12 * DAY
            case Turn.PUBLISH:
                await self._publish(self._random.choice(JOURNEYS), reality.now)
            case Turn.REWRITE:
                earlier = self._random.randint(1, DAYS) * DAY // 2
                await self._publish(self._random.choice(JOURNEYS), reality.now - earlier)
            case Turn.ALWAYS:
                await self._publish(self._random.choice(JOURNEYS), None)
        self._latest = max(self._latest, reality.now)

    async def _hear(self, count: int) -> None:
        part, self._left = self._left[:count], self._left[count:]
        while part:
            size = self._random.choice(_ROWS)
            row, part = part[:size], part[size:]
            await self._log_events(row)

    async def _trickle(self) -> None:
        few, self._stragglers = self._stragglers[:_TRICKLE], self._stragglers[_TRICKLE:]
        for event in few:
            await self._log_events([event])
            await self._stages.identify()
            if self._random.random() < 0.5:  # else it is folded together with the next ones
                await self._stages.finish()

    async def _restart(self) -> None:
        await self._stages.__aexit__()
        self._stages = Stages(self._reality)
        await self._stages.__aenter__()

    async def _deadline(self, since: int) -> int:
        """The next moment at which a customer is to be looked after."""
        alarms = {row.due_at for row in await self._reality.rows(tables.customers) if row.due_at is not None}
        return min((alarm for alarm in alarms if alarm > since), default=since)

    async def _publish(self, journey: str, effective_from: int | None) -> None:
        """The first version is in force from always; some versions are told twice."""
        versions = self._versions.setdefault(journey, [])
        since = effective_from if versions else None
        versions.append(version_of(journey, len(versions) + 1, since, self._random))
        await self.told.versions(*[versions[-1]] * self._random.choice([1, 1, 1, 2]))
        await self._publish_persona()

    async def _publish_persona(self) -> None:
        """Each version asks about another event: of what was heard of it before, and of what will be."""
        self._personas += 1
        name = _ASKED[self._personas % len(_ASKED)]
        persona = {"key": "somebody", "version": self._personas, "matches": f'seen("{name}", "P9D")'}
        await self.told.personas(*[persona] * (1 + self._personas % 2))

    async def _end(self) -> None:
        """Silence that was told stays told while a process lives: one that is started later knows the right time."""
        reality = self._reality
        if self._random.random() < 0.5:
            reality.now = await self._deadline(self._latest)
        if reality.now < self._latest:
            await self._restart()
        await self._stages.finish()

    # --- the log -----------------------------------------------------------------------------------------------------

    async def _log_events(self, events: Sequence[Json]) -> None:
        seq = await self.told.events(*events)
        for slot, event in enumerate(events):
            first = self._events.setdefault((event["source"], event["messageId"]), event)
            if first["properties"] != event["properties"]:
                self.rejected.append((seq, slot))


def compared(name: str, found: Any, wanted: Any) -> list[str]:
    """Nothing if both are equal, else their name and where they differ first."""
    if found == wanted:
        return []
    for place, (one, other) in enumerate(zip(found, wanted, strict=False)):
        if one != other:
            return [f"{name} {place}: {_difference(one, other)}"]
    return [f"{name}: {len(found)} instead of {len(wanted)}"]


def _difference(one: Any, other: Any) -> str:
    """Of two equally built values only what differs."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in one | other if one.get(name) != other.get(name)]
        return ", ".join(f"{name}: {_difference(one.get(name), other.get(name))}" for name in names)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return "; ".join(_difference(*pair) for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    return f"{one!r} instead of {other!r}"


def _without_id(customer: Json) -> Json:
    return {name: value for name, value in customer.items() if name != "id"}
