"""Keys: whose they are, for how long that is remembered, and what a request costs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, update

from infra.chassis.database import Database
from infra.chassis.errors import NotFound, Unauthenticated
from services.events.control.domain import (
    KeyKind,
    Principal,
    Source,
    Trust,
    digest_of,
    principal_of,
    scopes_of,
    spell_key,
)
from services.events.control.handlers import make_key
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore, KnownKey, insert_sources
from services.events.log_tables import source_keys, sources

SECOND = 1_000_000
SHOP = Source("default", "shop", "Shop", "shop", Trust.CLAIMED, default_channel="shop", origins=("https://shop.nl",))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


class CountingStore(ControlStore):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked = 0

    async def find_key(self, digest: bytes) -> KnownKey | None:
        self.asked += 1
        return await super().find_key(digest)

    async def source(self, workspace: str, key: str) -> Source | None:
        self.asked += 1
        return await super().source(workspace, key)


class MemoryStore(ControlStore):
    def __init__(self, keys: dict[bytes, KnownKey]) -> None:
        self._keys = keys
        self.asked = 0

    async def find_key(self, digest: bytes) -> KnownKey | None:
        self.asked += 1
        return self._keys.get(digest)


class House:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.store = CountingStore(database)
        self.ring = KeyRing(self.store, self.clock)

    async def key(self, kind: KeyKind = KeyKind.WRITE) -> str:
        made = await make_key(self.store, "default", "shop", kind, self.clock)
        self.store.asked = 0
        return made


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with database.write() as connection:
        await insert_sources(connection, [SHOP])
    yield House(database)


@pytest.mark.parametrize(("kind", "prefix"), [(KeyKind.WRITE, "wk_"), (KeyKind.SECRET, "sk_")])
def test_how_a_key_is_spelled(kind: KeyKind, prefix: str) -> None:
    assert spell_key(kind, b"\xff" * 24) == prefix + "_" * 32


@pytest.mark.parametrize(
    ("kind", "trust", "verified"),
    [
        (KeyKind.WRITE, Trust.CLAIMED, False),
        (KeyKind.WRITE, Trust.VERIFIED, True),
        (KeyKind.SECRET, Trust.CLAIMED, True),
        (KeyKind.SECRET, Trust.VERIFIED, True),
    ],
)
def test_whose_word_counts(kind: KeyKind, trust: Trust, verified: bool) -> None:
    source = Source("default", "shop", "Shop", "shop", trust)
    assert principal_of(source, kind, scopes_of(kind)).verified is verified


async def test_a_new_key_speaks_for_its_source(house: House) -> None:
    assert await house.ring.resolve(await house.key()) == Principal(
        "default",
        "shop",
        "shop",
        False,
        KeyKind.WRITE,
        frozenset({"events:write"}),
        origins=("https://shop.nl",),
    )
    assert (await house.ring.resolve(await house.key(KeyKind.SECRET))).verified


async def test_sources_come_back_whole(house: House) -> None:
    assert await house.store.sources("default") == [SHOP]
    assert await house.store.sources("other") == []


async def test_an_unknown_source_has_no_keys(house: House) -> None:
    with pytest.raises(NotFound) as caught:
        await make_key(house.store, "default", "nobody", KeyKind.WRITE, house.clock)
    assert caught.value.code == "UNKNOWN_SOURCE"


async def test_a_key_is_looked_up_once_in_five_seconds(house: House) -> None:
    key = await house.key()
    for _ in range(3):
        await house.ring.resolve(key)
    assert house.store.asked == 1
    house.clock.now += 5 * SECOND - 1
    await house.ring.resolve(key)
    assert house.store.asked == 1
    house.clock.now += 1
    await house.ring.resolve(key)
    assert house.store.asked == 2


async def test_a_revoked_key_ends_within_five_seconds(house: House) -> None:
    key = await house.key()
    await house.ring.resolve(key)
    async with house.database.write() as connection:
        await connection.execute(delete(source_keys))
    house.clock.now += 5 * SECOND
    with pytest.raises(Unauthenticated):
        await house.ring.resolve(key)


async def test_a_source_is_paused_within_five_seconds(house: House) -> None:
    key = await house.key()
    assert not (await house.ring.resolve(key)).paused
    assert not (await house.ring.on_behalf_of("default", "shop", verified=True)).paused
    async with house.database.write() as connection:
        await connection.execute(update(sources).values(paused=True))
    house.clock.now += 5 * SECOND
    assert (await house.ring.resolve(key)).paused
    assert (await house.ring.on_behalf_of("default", "shop", verified=True)).paused


async def test_a_key_ends_when_it_expires(house: House) -> None:
    key = await house.key()
    async with house.database.write() as connection:
        await connection.execute(update(source_keys).values(expires_at=house.clock.now + SECOND))
    await house.ring.resolve(key)
    house.clock.now += SECOND  # although it is still remembered
    with pytest.raises(Unauthenticated):
        await house.ring.resolve(key)


async def test_an_unknown_key_is_looked_up_once_and_becomes_known_in_time(house: House) -> None:
    text = "wk_later"
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await house.ring.resolve(text)
    assert house.store.asked == 1
    await house.key()
    async with house.database.write() as connection:
        await connection.execute(update(source_keys).values(digest=digest_of(text)))
    house.clock.now += 5 * SECOND
    assert (await house.ring.resolve(text)).source == "shop"


@pytest.mark.parametrize("credential", ["", "x" * 257, "wk_\x00", "\ud800", "wk_é"])
async def test_odd_credentials(house: House, credential: str) -> None:
    with pytest.raises(Unauthenticated):
        await house.ring.resolve(credential)
    assert house.store.asked == (len(credential) <= 256)


async def test_guessing_neither_drives_out_known_keys_nor_fills_memory(house: House) -> None:
    key = await house.key()
    store = MemoryStore({digest_of(key): KnownKey(principal_of(SHOP, KeyKind.WRITE, scopes_of(KeyKind.WRITE)), None)})
    ring = KeyRing(store, house.clock)
    await ring.resolve(key)
    for number in range(10_001):
        with pytest.raises(Unauthenticated):
            await ring.resolve(f"wk_{number}")
    assert store.asked == 1 + 10_001
    await ring.resolve(key)
    assert store.asked == 1 + 10_001
    with pytest.raises(Unauthenticated):
        await ring.resolve("wk_0")  # forgotten, because ten thousand are as many as are remembered
    assert store.asked == 1 + 10_001 + 1


async def test_a_clock_that_is_set_back_forgets(house: House) -> None:
    key = await house.key()
    await house.ring.resolve(key)
    house.clock.now -= 3_600 * SECOND
    await house.ring.resolve(key)
    assert house.store.asked == 2


async def test_on_behalf_of_a_source(house: House) -> None:
    for _ in range(2):
        principal = await house.ring.on_behalf_of("default", "shop", verified=True)
        assert (principal.source, principal.default_channel, principal.verified) == ("shop", "shop", True)
    assert not (await house.ring.on_behalf_of("default", "shop", verified=False)).verified
    assert house.store.asked == 1
    async with house.database.write() as connection:
        await connection.execute(delete(sources))
    house.clock.now += 5 * SECOND
    with pytest.raises(NotFound):
        await house.ring.on_behalf_of("default", "shop", verified=True)
