"""Ids of instances that a replay, by mended code, does not make again go on to resolve."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from infra.chassis.database import Database
from services.events import log_tables, tables
from services.events.changes import store
from services.events.intake.position import START
from services.events.live.domain.changes import InstanceChange
from services.events.replay import Stage
from tests.events.projector.test_projection import SHOP, USER, event
from tests.events.replay.while_it_works import replayed_while
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE, Reality
from tests.support.replaying import replayed

WRONG = b"made by mistake!"


async def begun(reality: Reality) -> None:
    """A customer with one instance."""
    await reality.publish([SHOP])
    reality.now = EPOCH + DAY
    await reality.record([event("v0", "View", 0, USER)])
    await reality.project()


async def make_wrongly(state: Database) -> None:
    """As a fold would that makes one instance more than the log says: it publishes what it makes."""
    async with state.write() as connection:
        [row] = (await connection.execute(select(tables.instances))).mappings()
        wrong = dict(row) | {"instance": WRONG, "start_key": row["start_key"] + b"\0"}
        await connection.execute(insert(tables.instances).values(wrong))
        change = InstanceChange(row["customer"], WRONG, "shop", None, EPOCH, None, None, "ACTIVE", "look", False)
        await store.append(connection, WORKSPACE, [change], EPOCH)


async def former(reality: Reality) -> list[tuple[bytes, str, str]]:
    return [row[1:] for row in await reality.rows(tables.former_instances)]


async def test_an_instance_that_is_not_made_again_is_a_former_one(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await begun(reality)
        await make_wrongly(reality.state)
        [start] = {row.start_event for row in await reality.rows(tables.instances)}
        await replayed(reality)
        assert await former(reality) == [(WRONG, "shop", start)]
        assert WRONG not in {row.instance for row in await reality.rows(tables.instances)}


async def test_former_instances_stay_former_ones(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await begun(reality)
        await make_wrongly(reality.state)
        await replayed(reality)
        known = await former(reality)
        await replayed(reality)
        assert await former(reality) == known != []


@pytest.mark.parametrize("stage", [Stage.FINISHING, Stage.CATCHING_UP, Stage.SWITCHING])
async def test_so_is_one_that_is_made_while_the_replay_works(postgresql_url: str, stage: Stage) -> None:
    async with Reality(postgresql_url) as reality:
        await begun(reality)
        [start] = {row.start_event for row in await reality.rows(tables.instances)}
        await replayed_while(reality, stage, make_wrongly)
        assert await former(reality) == [(WRONG, "shop", start)]


async def test_ids_are_compared_again_if_another_build_is_seen_at_the_switch(postgresql_url: str) -> None:
    """What a build shows that takes the place of another one was never published."""

    async def put_another_build_in_place(state: Database) -> None:
        async with state.write() as connection:
            [row] = (await connection.execute(select(tables.instances))).mappings()
            [build] = (await connection.execute(select(tables.builds))).mappings()
            number = build["build"] + 1
            await connection.execute(tables.builds.update().values(state="RETIRED"))
            await connection.execute(insert(tables.builds).values(dict(build) | {"build": number}))
            wrong = dict(row) | {"instance": WRONG, "build": number}
            await connection.execute(insert(tables.instances).values(wrong))

    async with Reality(postgresql_url) as reality:
        await begun(reality)
        [start] = {row.start_event for row in await reality.rows(tables.instances)}
        await replayed_while(reality, Stage.SWITCHING, put_another_build_in_place)
        assert await former(reality) == [(WRONG, "shop", start)]


async def test_ids_are_compared_again_if_a_workspace_is_first_projected_before_the_switch(postgresql_url: str) -> None:
    """Nobody has looked at the end of what it had published."""

    async def project_another_workspace_wrongly(state: Database) -> None:
        async with state.write() as connection:
            workspace = {"key": "new", "name": "New", "secret": b"s" * 16, "created_at": 0}
            await connection.execute(insert(log_tables.workspaces).values(workspace))
            await connection.execute(insert(tables.cursors).values(workspace="new", slots=0, **START._asdict()))
            for table in (tables.builds, tables.instances):
                [row] = (await connection.execute(select(table))).mappings()
                await connection.execute(insert(table).values(dict(row) | {"workspace": "new"}))

    async with Reality(postgresql_url) as reality:
        await begun(reality)
        [made] = await reality.rows(tables.instances)
        await replayed_while(reality, Stage.SWITCHING, project_another_workspace_wrongly)
        assert await reality.rows(tables.former_instances) == [("new", made.instance, made.journey, made.start_event)]
