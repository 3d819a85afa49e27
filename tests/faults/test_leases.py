"""The fence under both stages, without processes: who holds what, and that a former owner's transaction is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from infra.chassis.database import Database
from infra.chassis.migrations import upgrade
from services.events.projector.leases import LeaseLost, Leases
from services.events.stores import STATE_MIGRATIONS
from services.events.tables import cursors, projectors

_NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture
async def state(postgresql_url: str) -> AsyncIterator[Database]:
    database = Database(postgresql_url)
    await upgrade(database, STATE_MIGRATIONS)
    yield database
    await database.close()


def leases(state: Database, owner: str) -> Leases:
    return Leases(state, owner, lambda: 0, exclusive=state.is_sqlite)


async def fall_silent(state: Database, owner: str) -> None:
    """As if the owner had not renewed for longer than a lease."""
    async with state.write() as connection:
        await connection.execute(update(projectors).where(projectors.c.owner == owner).values(expires_at=0))


async def test_two_owners_come_to_share_fairly(state: Database) -> None:
    first, second = leases(state, "first"), leases(state, "second")
    await first.renew(_NAMES)
    assert first.held == dict.fromkeys(_NAMES, 1)
    await second.renew(_NAMES)
    assert second.held == {}

    await first.renew(_NAMES)
    await second.renew(_NAMES)

    assert (first.held, second.held) == ({"a": 1, "b": 1, "c": 1}, {"d": 2, "e": 2})


async def test_what_is_released_is_free_at_once(state: Database) -> None:
    first, second = leases(state, "first"), leases(state, "second")
    await first.renew(_NAMES)
    await first.release()
    await second.renew(_NAMES)
    assert (first.held, second.held) == ({}, dict.fromkeys(_NAMES, 2))


@pytest.mark.parametrize("snapshot", [False, True], ids=["read committed", "one snapshot"])
async def test_the_transaction_of_a_former_owner_is_refused(state: Database, snapshot: bool) -> None:
    first, second = leases(state, "first"), leases(state, "second")
    await first.renew(_NAMES)
    with pytest.raises(LeaseLost):
        async with state.write(snapshot=snapshot) as connection:
            await connection.execute(cursors.insert().values(workspace="default", xid=1, seq=1, slots=1))
            await fall_silent(state, "first")
            await second.renew(_NAMES)
            await first.check(connection, first.held)
    async with state.read() as connection:
        assert (await connection.execute(cursors.select())).all() == []
    assert second.held == dict.fromkeys(_NAMES, 2)


async def test_a_step_that_has_passed_its_fence_ends_before_anybody_takes_over(state: Database) -> None:
    first, second = leases(state, "first"), leases(state, "second")
    await first.renew(_NAMES)
    async with state.write() as connection:
        await first.check(connection, {"b": 1, "c": 1})
        await fall_silent(state, "first")
        await second.renew(_NAMES)
        assert second.held == {"a": 2, "d": 2, "e": 2}
    await second.renew(_NAMES)
    assert second.held == dict.fromkeys(_NAMES, 2)


async def test_an_owner_that_comes_back_first_learns_what_it_still_holds(state: Database) -> None:
    first, second = leases(state, "first"), leases(state, "second")
    await first.renew(_NAMES)
    await fall_silent(state, "first")
    await second.renew(_NAMES)
    await first.renew(_NAMES)
    assert first.held == {}


async def test_the_only_process_of_a_data_folder_takes_over_at_once(sqlite_url: str) -> None:
    state = Database(sqlite_url)
    await upgrade(state, STATE_MIGRATIONS)
    await leases(state, "killed").renew(_NAMES)
    successor = leases(state, "successor")
    await successor.renew(_NAMES)
    assert successor.held == dict.fromkeys(_NAMES, 2)
    await state.close()
