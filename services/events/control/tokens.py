"""Customer tokens: what a shop gives to a frontend so that it may speak for one customer, for a while.

A token is signed and not stored. Everybody who holds it can read what is in it: the identifier, where it comes from and
what it may do. So it holds nothing that its customer must not know.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from infra.chassis.auth import SigningKey, Unsigned
from infra.chassis.clock import Clock
from infra.chassis.durations import format_duration, parse_duration
from infra.chassis.errors import Flaw, Invalid, Unauthenticated
from services.events.control.domain import EVENTS_WRITE, PII_READ, CustomerPrincipal
from services.events.control.keyring import KeyRing
from services.events.identity.domain import CUSTOMER_ID, Identifier
from services.events.ids import parse_id
from services.events.intake.domain.identifiers import usable

_AUDIENCE = "klantreis customer"
_SECOND = 1_000_000
_SHORTEST, _LONGEST = 60 * _SECOND, 24 * 3_600 * _SECOND
_LONGEST_TOKEN = 4_096  # an identifier of 255 characters, each of which JSON and Base64 may write as many
_SCOPES = frozenset({EVENTS_WRITE, PII_READ})
"""What a token may do for its customer, where its minting key may do it for all."""


class Minted(NamedTuple):
    token: str
    expires_at: int
    """Microseconds since 1970."""


class _Claims(msgspec.Struct):
    workspace: str
    source: str
    key: str
    identifier: Identifier
    scopes: frozenset[str]
    exp: int


def looks_like_token(credential: str) -> bool:
    """Keys have no dots; tokens have two."""
    return credential.count(".") == 2


class CustomerTokens:
    """Mints customer tokens, and tells for whom one speaks."""

    def __init__(self, signing_key: str, keys: KeyRing, clock: Clock) -> None:
        self._key = SigningKey(signing_key, clock)
        self._keys = keys
        self._clock = clock

    async def mint(
        self, workspace: str, source: str, key: str, scopes: Collection[str], identifier: Identifier, lifetime: str
    ) -> Minted:
        """A token that speaks for whoever the identifier names, on behalf of a key of `source` that has `scopes`.

        `key` is the key's id; the token ends with it.

        Raises Invalid for an identifier that names nobody and for a lifetime (ISO 8601) out of bounds, and NotFound for
        an unknown source.
        """
        length = _length(lifetime)
        named = _named(identifier)
        await self._keys.on_behalf_of(workspace, source, verified=True)
        expires = (self._clock() + length) // _SECOND
        claims = {
            "workspace": workspace,
            "source": source,
            "key": key,
            "identifier": named,
            "scopes": sorted(_SCOPES.intersection(scopes)),
        }
        return Minted(self._key.sign(claims, _AUDIENCE, expires), expires * _SECOND)

    async def resolve(self, token: str) -> CustomerPrincipal:
        """Raises Unauthenticated for what is no token of ours, has expired, or whose minting key is no longer good."""
        if len(token) > _LONGEST_TOKEN:
            raise _not_valid()
        try:
            claims = msgspec.convert(self._key.open(token, _AUDIENCE), _Claims)
        except (Unsigned, msgspec.ValidationError) as error:
            raise _not_valid() from error
        if not await self._keys.is_good(claims.workspace, claims.source, claims.key):
            raise _not_valid()
        return CustomerPrincipal(
            claims.workspace, claims.source, claims.identifier, claims.scopes & _SCOPES, claims.exp * _SECOND
        )


def _length(lifetime: str) -> int:
    try:
        length = parse_duration(lifetime)
    except ValueError as error:
        raise _invalid("lifetime", f"{error}.") from error
    if not _SHORTEST <= length <= _LONGEST:
        bounds = f"{format_duration(_SHORTEST)} and {format_duration(_LONGEST)}"
        raise _invalid("lifetime", f"A customer token lives between {bounds}.")
    return length


def _named(identifier: Identifier) -> Identifier:
    """The identifier as events carry it."""
    type, value = identifier
    if not type or not (named := usable([identifier])):
        raise _invalid("identifier", "This names nobody.")
    if type == CUSTOMER_ID and parse_id(value) is not None:
        raise _invalid("identifier", "Events do not carry our own ids; name the customer as your systems do.")
    return named[0]


def _invalid(member: str, message: str) -> Invalid:
    return Invalid(message, errors=[Flaw("INVALID_VALUE", message, (member,))])


def _not_valid() -> Unauthenticated:
    return Unauthenticated("This customer token is not valid, or not any more; mint a new one.")
