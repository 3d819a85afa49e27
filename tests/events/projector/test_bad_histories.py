"""What one customer's history does must not hold up the others."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from services.events import tables
from services.events.live.store import Folded, stored_instances, write_instances
from tests.events.projector.test_projection import SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality

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
        assert stuck[3] == "StringDataRightTruncationError"
        [customer] = await reality.customers()
        assert customer["identifiers"] == [list(OTHER)]
        assert [instance["phase"] for instance in customer["instances"]] == ["look"]


async def test_a_run_that_another_process_has_just_deleted_is_not_brought_back_without_its_steps(
    postgresql_url: str,
) -> None:
    """A merge across two projectors: the survivor's snapshot still shows the run that the loser's fold removes."""
    async with Reality(postgresql_url) as reality:
        await reality.publish([SHOP])
        reality.now = EPOCH + DAY
        await reality.record([event("m0", "View", 0, USER)])
        await reality.project()
        [[_workspace, instance, customer, *_]] = await reality.rows(tables.instances)

        with pytest.raises(DBAPIError, match="could not serialize"):
            async with reality.state.write(snapshot=True) as survivor:
                stored = await stored_instances(survivor, WORKSPACE, [], [instance])
                async with reality.state.write() as loser:
                    seen = await stored_instances(loser, WORKSPACE, [customer], [])
                    await write_instances(loser, reality.state, WORKSPACE, {}, seen)
                row = stored[instance]._replace(customer=b"s" * 16)
                await write_instances(survivor, reality.state, WORKSPACE, {instance: Folded(row, [])}, stored)

        assert await reality.rows(tables.instances) == []
        assert await reality.rows(tables.steps) == []
