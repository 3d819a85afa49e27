"""What the property found, each as a short story."""

from __future__ import annotations

from typing import Any

from services.events import tables
from tests.events.projector.any_order.stages import Stages
from tests.oracle import journey as journey_oracle
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.reality import Reality

Json = dict[str, Any]

USER, DEVICE = ("user_id", "u"), ("anonymous_id", "d")
SHOP: Json = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "Viewed", "recognisedBy": 'name == "View"'}],
        },
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}
PATIENT = SHOP | {"version": 2, "patience": "P30D"}
CLUB = SHOP | {"key": "club"}


def event(message_id: str, name: str, day: float, *identifiers: tuple[str, str], **more: Any) -> Json:
    return plain_event(message_id, name, EPOCH + int(day * DAY), identifiers=list(identifiers), verified=True) | more


async def test_a_rebuild_leaves_alone_who_is_about_to_be_folded_into_another(database_url: str) -> None:
    """The history of such a customer is empty already, and instances of other builds still stand."""
    async with Reality(database_url) as reality, Stages(reality) as stages:
        reality.now = EPOCH + 2 * DAY
        await reality.publish([CLUB, SHOP])
        await reality.record([event("m0", "View", 0, USER), event("m1", "View", 1, DEVICE)])
        await stages.finish()
        assert len(await reality.customers()) == 2

        await reality.record([event("m2", "Identify", 2, USER, DEVICE, kind="identify")])
        await reality.publish([PATIENT])
        await stages.identify()
        while await stages.catch_up():
            pass
        await stages.finish()

        [customer] = await reality.customers()
        assert {row.customer for row in await reality.rows(tables.instances)} == {customer["id"]}
        history = [event("m0", "View", 0, USER), event("m1", "View", 1, DEVICE)]
        assert customer["instances"] == [
            *journey_oracle.fold([CLUB], history, reality.now),
            *journey_oracle.fold([SHOP, PATIENT], history, reality.now),
        ]
