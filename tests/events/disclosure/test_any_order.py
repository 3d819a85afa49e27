"""Events in any order, looks at any time: whoever shows what each message brings shows what there is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.events.disclosure.telling import Telling, telling
from tests.events.disclosure.test_claims import HIS_VISITOR, SHOP, VICTIM, VISITOR
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import Reality

Json = dict[str, Any]
_EVENTS = 16


class Page:
    """What a page shows that began with nothing. It is cut off now and then, and has only its last position."""

    def __init__(self, asked: Telling, start: str, dice: random.Random) -> None:
        self._asked = asked
        self._dice = dice
        self._after = {"changes": start, "events": start}
        self.instances: dict[str, Json] = {}
        self.events: list[str] = []

    async def look(self) -> None:
        while True:
            page = await self._asked.page("changes", VICTIM, self._after["changes"], first=self._dice.randint(1, 3))
            for change in page["items"]:
                self.instances.pop(change["instanceId"], None)
                if change["instance"] is not None:
                    self.instances[change["instance"]["id"]] = change["instance"]
                self._after["changes"] = change["position"]
            if not page["more"]:
                break
        events, self._after["events"] = await self._asked.news("events", VICTIM, self._after["events"], 2)
        self.events += [item["event"]["messageId"] for item in events]


def history(dice: random.Random) -> list[Json]:
    """As it comes in: of a browser, of a claimant, and of the shop, which links user and browser somewhere."""
    events = [happening("link", "Identify", dice.random() * 20, VICTIM, VISITOR, verified=True, kind="identify")]
    for number in range(_EVENTS):
        name, day = dice.choice(["View", "View", "Buy", "Call"]), dice.random() * 20
        who, verified = dice.choice([((VISITOR,), False), ((VICTIM,), True), ((VICTIM, HIS_VISITOR), False)])
        events.append(happening(f"m{number}", name, day, *who, verified=verified))
    dice.shuffle(events)
    return events


def shown(instance: Json) -> Json:
    """What changes are about."""
    return {name: instance[name] for name in ("id", "status", "run", "key")} | {"phase": instance["phase"]["key"]}


@pytest.mark.parametrize("seed", range(6))
async def test_what_messages_bring_is_what_there_is(database_url: str, seed: int) -> None:
    dice = random.Random(seed)
    async with Reality(database_url) as reality, telling(reality) as asked:
        start = (await reality.publish([SHOP])).token()
        eager, lazy = Page(asked, start, dice), Page(asked, start, dice)
        reality.now = EPOCH + 15 * DAY
        for event in history(dice):
            await reality.record([event])
            reality.now += DAY
            await reality.project()
            await eager.look()
        await lazy.look()
        expected = {one["id"]: shown(one) for one in (await asked.instances(VICTIM, first=100))["items"]}
        told = [one["messageId"] for one in (await asked.timeline(VICTIM, first=100))["items"]]
        for page in (eager, lazy):
            assert {id: shown(one) for id, one in page.instances.items()} == expected
            assert sorted(page.events) == sorted(told)
