"""What one customer's history does must not hold up the others."""

from __future__ import annotations

from services.events import tables
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import Reality

OTHER = ("user_id", "other")


async def test_a_customer_that_cannot_be_written_is_set_aside_and_the_others_go_on(postgresql_url: str) -> None:
    """A phase key longer than its column never passes authoring; a published one would fail in the bulk write."""
    look, buy = SHOP["phases"]
    async with Reality(postgresql_url) as reality:
        await reality.publish([SHOP | {"phases": [look, buy | {"key": "buy" * 30}]}])
        reality.now = EPOCH + DAY
        await reality.record([event("m0", "Buy", 0, USER), event("m1", "View", 0, OTHER)])

        await reality.project()

        [stuck] = await reality.rows(tables.stuck)
        assert (stuck.event, stuck.error) == ("", "StringDataRightTruncationError")
        [customer] = await reality.customers()
        assert customer["identifiers"] == [list(OTHER)]
        assert [instance["phase"] for instance in customer["instances"]] == ["look"]
