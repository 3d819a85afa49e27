"""Sources as their owners declare them, and what becomes of their keys."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from infra.chassis.database import Database
from infra.chassis.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Unauthenticated
from services.events.control.declaring import GRACE
from services.events.control.domain import SCOPES, KeyKind, Source, Trust, digest_of, key_id
from services.events.control.handlers import Sources, make_key
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore

SECOND = 1_000_000
CRM = Source("default", "crm", "CRM", "crm", Trust.VERIFIED, "phone", ("https://crm.example",))
EVERYTHING = frozenset(SCOPES)


class House:
    def __init__(self, database: Database) -> None:
        self.now = 1_000 * SECOND
        self.store = ControlStore(database)
        self.sources = Sources(database, lambda: self.now)
        self.ring = KeyRing(self.store, lambda: self.now)

    async def first_key(self, source: Source = CRM) -> str:
        key = (await self.sources.save(source)).key
        assert key is not None
        return key

    async def knows(self, key: str) -> bool:
        try:
            await self.ring.resolve(key)
        except Unauthenticated:
            return False
        return True


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


@pytest.mark.parametrize(("trust", "kind"), [(Trust.VERIFIED, KeyKind.SECRET), (Trust.CLAIMED, KeyKind.WRITE)])
async def test_a_new_source_comes_with_a_key_that_can_but_record(house: House, trust: Trust, kind: KeyKind) -> None:
    principal = await house.ring.resolve(await house.first_key(replace(CRM, trust=trust)))
    assert (principal.source, principal.kind, principal.scopes) == ("crm", kind, {"events:write"})
    assert principal.verified is (trust is Trust.VERIFIED)


async def test_a_source_that_is_there_is_replaced_and_keeps_its_key(house: House) -> None:
    key = await house.first_key()
    calmer = replace(CRM, name="Customers", default_channel=None, origins=(), paused=True)
    assert await house.sources.save(calmer) == (calmer, None)
    assert await house.store.sources("default") == [calmer]
    assert (await house.ring.resolve(key)).paused
    other = replace(CRM, workspace="other")
    assert (await house.sources.save(other)).key is not None
    assert await house.store.sources("default") == [calmer]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"key": ""}, [("key",)]),
        ({"key": "De Winkel"}, [("key",)]),
        ({"key": "x" * 65, "name": " "}, [("key",), ("name",)]),
        ({"kind": "fax"}, [("kind",)]),
        ({"default_channel": ""}, [("defaultChannel",)]),
        (
            {"origins": ("https://a.nl", "a.nl", "https://a.nl/", "*", "null")},
            [("origins", str(at)) for at in range(1, 5)],
        ),
        ({"origins": ("https://a.nl:x", "https://A.nl", "ftp://a.nl")}, [("origins", str(at)) for at in range(3)]),
        ({"origins": ("https://a.nl",) * 101}, [("origins",)]),
    ],
)
async def test_what_cannot_be_is_told_with_its_place(house: House, change: dict[str, Any], paths: list[Any]) -> None:
    with pytest.raises(Invalid) as caught:
        await house.sources.save(replace(CRM, **change))
    assert [flaw.path for flaw in caught.value.errors] == paths
    assert await house.store.sources("default") == []


async def test_webhook_kinds_and_local_origins_are_known(house: House) -> None:
    source = replace(CRM, kind="shopify", origins=("http://localhost:3000", "http://[::1]:8080", "https://a.nl:8443"))
    assert (await house.sources.save(source)).source == source


async def test_a_key_that_is_replaced_lives_on_for_a_day(house: House) -> None:
    former = await house.first_key()
    house.now += SECOND
    rotated = await house.sources.rotate("default", "crm", {"events:write"})
    assert rotated.grace_until == house.now + GRACE
    assert (await house.ring.resolve(rotated.key)).kind is KeyKind.SECRET
    assert [key.prefix for key in await house.sources.active_keys("default")] == [former[:9], rotated.key[:9]]
    house.now += GRACE - 1
    assert await house.knows(former)
    house.now += 1
    assert not await house.knows(former)
    assert await house.knows(rotated.key)
    assert [key.prefix for key in await house.sources.active_keys("default")] == [rotated.key[:9]]


async def test_no_key_dies_unasked_while_two_are_active(house: House) -> None:
    former = await house.first_key()
    await house.sources.rotate("default", "crm", EVERYTHING)
    await refused(Conflict, "TWO_KEYS_ACTIVE", house.sources.rotate("default", "crm", EVERYTHING))
    assert await house.sources.revoke("default", key_id(digest_of(former))) == CRM
    house.now += 5 * SECOND
    assert not await house.knows(former)
    assert (await house.sources.rotate("default", "crm", EVERYTHING)).grace_until == house.now + GRACE


async def test_a_key_may_be_revoked_while_it_is_replaced(house: House) -> None:
    former = await house.first_key()
    for _ in range(20):
        former_id = key_id(digest_of(former))
        rotating = house.sources.rotate("default", "crm", EVERYTHING)
        rotated, _source = await asyncio.gather(rotating, house.sources.revoke("default", former_id))
        assert [key.prefix for key in await house.sources.active_keys("default")] == [rotated.key[:9]]
        former = rotated.key


async def test_nobody_makes_a_key_that_may_do_more_than_they(house: House) -> None:
    await house.sources.save(CRM)
    for key in await house.sources.active_keys("default"):
        await house.sources.revoke("default", key.id)
    await make_key(house.store, "default", "crm", KeyKind.SECRET, lambda: house.now)
    some = {"events:write", "sources:write"}
    await refused(Forbidden, "FORBIDDEN", house.sources.rotate("default", "crm", some))
    made = await house.sources.rotate("default", "crm", EVERYTHING)
    assert (await house.ring.resolve(made.key)).scopes == EVERYTHING


async def test_a_source_without_a_key_gets_its_first_one(house: House) -> None:
    key = await house.first_key()
    await house.sources.revoke("default", key_id(digest_of(key)))
    made = await house.sources.rotate("default", "crm", EVERYTHING)
    assert made.grace_until is None
    assert (await house.ring.resolve(made.key)).scopes == {"events:write"}


async def test_keys_and_sources_of_others_are_unknown(house: House) -> None:
    key = await house.first_key()
    await refused(NotFound, "UNKNOWN_SOURCE", house.sources.rotate("other", "crm", EVERYTHING))
    await refused(NotFound, "UNKNOWN_KEY", house.sources.revoke("other", key_id(digest_of(key))))
    assert await house.sources.active_keys("other") == []
    assert await house.knows(key)


async def refused(kind: type[Problem], code: str, doing: Any) -> None:
    with pytest.raises(kind) as caught:
        await doing
    assert caught.value.code == code
