"""Short-lived signed tokens with which services recognise each other; the workspace travels inside."""

from __future__ import annotations

import jwt

from infra.chassis.clock import Clock, system_clock
from infra.chassis.errors import Unauthenticated

_LIFETIME_SECONDS = 60
_ALGORITHM = "HS256"


class ServiceTokens:
    """Mints and verifies the tokens of internal calls. Every process of one installation shares the signing key."""

    def __init__(self, signing_key: str, clock: Clock = system_clock) -> None:
        self._key = signing_key
        self._clock = clock
        self._minted: dict[tuple[str, str], tuple[int, str]] = {}

    def mint(self, audience: str, workspace: str) -> str:
        """A token that opens the internal routes of `audience` for one workspace, reused for half its life."""
        now = self._clock() // 1_000_000
        expires, token = self._minted.get((audience, workspace), (0, ""))
        if expires - now < _LIFETIME_SECONDS // 2:
            expires = now + _LIFETIME_SECONDS
            token = jwt.encode({"aud": audience, "workspace": workspace, "exp": expires}, self._key, _ALGORITHM)
            self._minted[audience, workspace] = (expires, token)
        return token

    def verify(self, token: str, audience: str) -> str:
        """The workspace a token speaks for. Raises Unauthenticated when it is forged, stale or meant for another."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [_ALGORITHM],
                audience=audience,
                options={"require": ["exp", "aud"], "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The service token is not valid; check KLANTREIS_SIGNING_KEY.") from error
        if claims["exp"] < self._clock() // 1_000_000:
            raise Unauthenticated("The service token has expired; check the clocks of the machines.")
        workspace = claims.get("workspace")
        if not isinstance(workspace, str):
            raise Unauthenticated("The service token names no workspace.")
        return workspace
