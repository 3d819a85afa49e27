"""Events that end a run without naming it: of however many runs at rest, those with the latest events are read."""

from __future__ import annotations

from typing import Any

from services.events import tables
from services.events.live.store import standing
from tests.events.projector.any_order.play import compared
from tests.events.projector.any_order.stages import Stages
from tests.events.projector.any_order.tables import contents
from tests.events.projector.any_order.test_late_events import SHOP
from tests.events.projector.any_order.told import Told
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

_PURCHASES = 120
_SHOP: Json = {**SHOP, "cancelledWhen": 'name == "Cancel"'}


def _event(name: str, after: int) -> Json:
    return plain_event(f"{name}{after}", name, EPOCH + after, identifiers=[("user_id", "u")], verified=True)


def _purchases() -> list[Json]:
    """One a day: after twelve hours without an event it is at rest."""
    return [_event("Buy", day * DAY) for day in range(_PURCHASES)]


async def test_runs_that_nobody_names_are_ended_in_the_right_order(database_urls: tuple[str, str]) -> None:
    """More than one look at those at rest, in order and amid the history, and until there is none left."""
    played_url, replayed_url = database_urls
    end = _PURCHASES * DAY
    async with Reality(played_url) as reality, Stages(reality) as stages:
        told = Told(reality)
        reality.now = EPOCH + 2 * end

        async def hear(*events: Json) -> None:
            await told.events(*events)
            await stages.finish()

        await told.versions(_SHOP)
        await hear(*_purchases())
        await hear(_event("Return", end + DAY))
        await hear(*(_event(name, end + 2 * DAY + place) for place in range(20) for name in ("Return", "Cancel")))
        await hear(_event("Return", 60 * DAY + DAY - 1))
        await hear(*(_event("Cancel", 30 * DAY + DAY - 30 + place) for place in range(25)))
        await hear(*(_event("Return", end + 3 * DAY + place) for place in range(_PURCHASES)))

        statuses = [row.status for row in await reality.rows(tables.instances)]
        often = await contents(reality)
        once = await told.replayed(replayed_url)
    assert (statuses.count("RETURNED"), statuses.count("CANCELLED")) == (_PURCHASES - 45, 45)
    assert [compared(name, often[name], once[name]) for name in often] == [[]] * len(often)


async def test_an_order_that_was_returned_is_not_returned_again(database_urls: tuple[str, str]) -> None:
    """Whoever looks up what is at rest under its key finds it as it stood: ended."""
    played_url, replayed_url = database_urls

    def of_order(name: str, day: int) -> Json:
        return _event(name, day * DAY) | {"properties": {"order_id": "A"}}

    async with Reality(played_url) as reality, Stages(reality) as stages:
        told = Told(reality)
        reality.now = EPOCH + 100 * DAY
        await told.versions({**_SHOP, "instanceKey": "properties.order_id"})
        for event in (of_order("Buy", 0), of_order("Return", 10), of_order("Return", 20), of_order("Cancel", 30)):
            await told.events(event)
            await stages.finish()
        [step, ending] = await reality.rows(tables.steps)
        [instance] = await reality.rows(tables.instances)
        often = await contents(reality)
        once = await told.replayed(replayed_url)
    assert (instance.status, instance.last_event_at) == ("RETURNED", EPOCH + 10 * DAY)
    assert {step.status, ending.status} == {"COMPLETED", "RETURNED"}
    assert [compared(name, often[name], once[name]) for name in often] == [[]] * len(often)


async def test_the_latest_runs_at_rest_are_read_and_no_others(database_urls: tuple[str, str]) -> None:
    async with Reality(database_urls[0]) as reality, Stages(reality) as stages:
        told = Told(reality)
        reality.now = EPOCH + 2 * _PURCHASES * DAY
        await told.versions(_SHOP)
        await told.events(*_purchases(), _event("Return", _PURCHASES * DAY))
        await stages.finish()
        [identity] = {(row.customer, row.build) for row in await reality.rows(tables.instances)}

        async def read(before: int, number: int) -> tuple[list[int], dict[tuple[bytes, int], int]]:
            """The days of the purchases, and from which moment on these are all."""
            async with reality.state.read() as connection:
                rows, first_at = await standing.instances_at_rest(connection, WORKSPACE, [(*identity, before)], number)
            return sorted((row.last_event_at - EPOCH) // DAY for row in rows), first_at

        last = _PURCHASES - 1  # it has been returned
        assert await read(reality.now, 3) == ([last - 3, last - 2, last - 1], {identity: EPOCH + (last - 3) * DAY})
        assert await read(EPOCH + 40 * DAY, 2) == ([38, 39], {identity: EPOCH + 38 * DAY})
        assert await read(EPOCH + 2 * DAY, 3) == ([0, 1], {})
