"""Signed tokens: those with which services recognise each other, and what all tokens of an installation share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from infra.chassis.clock import Clock, system_clock
from infra.chassis.errors import Unauthenticated

_LIFETIME_SECONDS = 60
_ALGORITHM = "HS256"


class Unsigned(Exception):
    """This was not signed with the key, or not for the audience, or not at all."""


class Expired(Unsigned):
    """It was, but is valid no longer."""


class SigningKey:
    """Signs claims for an audience and a while. A token for one audience is none for any other."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def sign(self, claims: Mapping[str, Any], audience: str, expires: int) -> str:
        """A token that holds the claims for everybody to read; `expires` is in seconds since 1970."""
        return jwt.encode({**claims, "aud": audience, "exp": expires}, self._secret, _ALGORITHM)

    def open(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of a token. Raises Unsigned, and Expired."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                [_ALGORITHM],
                audience=audience,
                options={"require": ["exp", "aud"], "verify_exp": False},  # our clock decides
            )
        except jwt.InvalidTokenError as error:
            raise Unsigned from error
        if claims["exp"] < self._clock() // 1_000_000:
            raise Expired
        return claims


class ServiceTokens:
    """Mints and verifies the tokens of internal calls. Every process of one installation shares the signing key."""

    def __init__(self, signing_key: str, clock: Clock = system_clock) -> None:
        self._key = SigningKey(signing_key, clock)
        self._clock = clock
        self._minted: dict[tuple[str, str], tuple[int, str]] = {}

    def mint(self, audience: str, workspace: str) -> str:
        """A token that opens the internal routes of `audience` for one workspace, reused for half its life."""
        now = self._clock() // 1_000_000
        expires, token = self._minted.get((audience, workspace), (0, ""))
        if expires - now < _LIFETIME_SECONDS // 2:
            expires = now + _LIFETIME_SECONDS
            token = self._key.sign({"workspace": workspace}, audience, expires)
            self._minted[audience, workspace] = (expires, token)
        return token

    def verify(self, token: str, audience: str) -> str:
        """The workspace a token speaks for. Raises Unauthenticated when it is forged, stale or meant for another."""
        try:
            claims = self._key.open(token, audience)
        except Expired as error:
            raise Unauthenticated("The service token has expired; check the clocks of the machines.") from error
        except Unsigned as error:
            raise Unauthenticated("The service token is not valid; check KLANTREIS_SIGNING_KEY.") from error
        workspace = claims.get("workspace")
        if not isinstance(workspace, str):
            raise Unauthenticated("The service token names no workspace.")
        return workspace
