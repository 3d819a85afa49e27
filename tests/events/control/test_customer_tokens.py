"""Customer tokens: for whom they speak, for how long, and that nobody makes or changes one."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from infra.chassis.auth import ServiceTokens, SigningKey
from infra.chassis.database import Database
from infra.chassis.errors import Invalid, NotFound, Unauthenticated
from services.events.control.domain import SCOPES, CustomerPrincipal, digest_of, key_id
from services.events.control.handlers import bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.control.tokens import CustomerTokens, looks_like_token
from services.events.log_tables import source_keys

SECOND = 1_000_000
KEY = "a signing key that is long enough for HMAC"
ADA = ("user_id", "ada")


class House:
    key: str
    """The id of the admin key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = 1_800_000_000 * SECOND
        self.keys = KeyRing(ControlStore(database), self.clock)
        self.tokens = self.tokens_signed_with(KEY)

    def clock(self) -> int:
        return self.now

    def tokens_signed_with(self, key: str) -> CustomerTokens:
        return CustomerTokens(key, self.keys, self.clock)

    async def mint(self, identifier: tuple[str, str] = ADA, lifetime: str = "PT1H") -> str:
        return (await self.tokens.mint("default", "api", self.key, SCOPES, identifier, lifetime)).token


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = House(database)
    credentials = (await bootstrap(database, tmp_path / "credentials.json", made.clock)).credentials
    assert credentials is not None
    made.key = key_id(digest_of(credentials.admin_key))
    yield made


async def refused(house: House, token: str) -> bool:
    try:
        await house.tokens.resolve(token)
    except Unauthenticated:
        return True
    return False


async def test_a_token_speaks_for_one_customer_on_behalf_of_its_source(house: House) -> None:
    minted = await house.tokens.mint("default", "api", house.key, SCOPES, ADA, "PT90S")
    assert minted.expires_at == house.now + 90 * SECOND
    assert looks_like_token(minted.token)
    assert await house.tokens.resolve(minted.token) == CustomerPrincipal(
        "default", "api", ADA, frozenset({"events:write", "pii:read"}), minted.expires_at
    )


@pytest.mark.parametrize(
    ("scopes", "kept"), [((), ()), (("pii:read", "models:write"), ("pii:read",)), (("export", "sources:write"), ())]
)
async def test_it_may_do_no_more_than_its_minting_key(
    house: House, scopes: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    minted = await house.tokens.mint("default", "api", house.key, scopes, ADA, "PT1H")
    assert (await house.tokens.resolve(minted.token)).scopes == frozenset(kept)


async def test_it_ends(house: House) -> None:
    token = await house.mint(lifetime="PT60S")
    house.now += 60 * SECOND
    assert not await refused(house, token)
    house.now += SECOND
    assert await refused(house, token)


@pytest.mark.parametrize(
    ("lifetime", "message"),
    [
        ("PT59S", "A customer token lives between PT1M and P1D."),
        ("PT24H1S", "A customer token lives between PT1M and P1D."),
        ("P1M", "'P1M' has months or years; give weeks, days or times, because those have a fixed length."),
        ("soon", "'soon' is not an ISO 8601 duration such as P7D or PT36H."),
    ],
)
async def test_a_lifetime_out_of_bounds(house: House, lifetime: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        await house.mint(lifetime=lifetime)
    assert [(flaw.code, flaw.path, flaw.message) for flaw in caught.value.errors] == [
        ("INVALID_VALUE", ("lifetime",), message)
    ]


@pytest.mark.parametrize(
    "identifier", [("user_id", "undefined"), ("", "x"), ("email", " "), ("customer_id", "0a" * 16)]
)
async def test_an_identifier_that_names_nobody(house: House, identifier: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        await house.mint(identifier)
    assert [(flaw.code, flaw.path) for flaw in caught.value.errors] == [("INVALID_VALUE", ("identifier",))]


async def test_an_address_is_the_one_that_events_carry(house: House) -> None:
    token = await house.mint(("email", " Ada@Example.org"))
    assert (await house.tokens.resolve(token)).customer == ("email", "ada@example.org")


async def test_a_long_identifier_fits(house: House) -> None:
    identifier = ("user_id", "é" * 255)
    assert (await house.tokens.resolve(await house.mint(identifier))).customer == identifier


async def test_nobody_else_makes_or_changes_one(house: House) -> None:
    token = await house.mint()
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    def forged(**changes: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).rstrip(b"=").decode()

    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    other = await house.tokens_signed_with("another installation's signing key").mint(
        "default", "api", house.key, (), ADA, "PT1H"
    )
    forgeries = [
        f"{head}.{forged(identifier=['user_id', 'bob'])}.{signature}",
        f"{head}.{forged(workspace='other')}.{signature}",
        f"{head}.{forged(exp=2**40)}.{signature}",
        f"{none}.{forged()}.",
        f"{head}.{body}.",
        other.token,
        ServiceTokens(KEY, house.clock).mint("events", "*"),
        "a.b.c",
        "..",
        token + "x" * 4_096,
    ]
    assert [await refused(house, one) for one in forgeries] == [True] * len(forgeries)
    assert not await refused(house, token)


@pytest.mark.parametrize(
    "claims",
    [
        {"workspace": "other", "identifier": ADA},
        {"source": "gone", "identifier": ADA},
        {"source": "website", "identifier": ADA},
        {"key": "0011223344556677", "identifier": ADA},
        {"identifier": "ada"},
        {},
    ],
)
async def test_one_from_where_nobody_is_any_more(house: House, claims: dict[str, object]) -> None:
    expires = house.now // SECOND + 60
    minting: dict[str, object] = {"workspace": "default", "source": "api", "key": house.key, "scopes": []}
    sign = SigningKey(KEY, house.clock).sign
    assert await refused(house, sign(minting | claims, "klantreis customer", expires))
    assert not await refused(house, sign(minting | {"identifier": ADA}, "klantreis customer", expires))


async def test_it_ends_with_the_key_that_minted_it_within_five_seconds(house: House) -> None:
    token = await house.mint()
    assert not await refused(house, token)
    async with house.database.write() as connection:
        await connection.execute(delete(source_keys).where(source_keys.c.source == "api"))
    house.now += 5 * SECOND
    assert await refused(house, token)


async def test_it_ends_when_that_key_does(house: House) -> None:
    token = await house.mint()
    async with house.database.write() as connection:
        await connection.execute(update(source_keys).values(expires_at=house.now + SECOND))
    assert not await refused(house, token)
    house.now += SECOND
    assert await refused(house, token)


async def test_a_token_opens_no_internal_route(house: House) -> None:
    with pytest.raises(Unauthenticated):
        ServiceTokens(KEY, house.clock).verify(await house.mint(), "events")


async def test_a_source_that_is_not_there_mints_none(house: House) -> None:
    with pytest.raises(NotFound):
        await house.tokens.mint("default", "gone", house.key, SCOPES, ADA, "PT1H")
