"""Service tokens open only what they were minted for, and not for long."""

from __future__ import annotations

import pytest

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Unauthenticated

KEY = "a signing key that is long enough for HMAC"


def tokens(now: int = 0, key: str = KEY) -> ServiceTokens:
    return ServiceTokens(key, lambda: now * 1_000_000)


def test_a_token_names_the_workspace_it_was_minted_for() -> None:
    assert tokens().verify(tokens().mint("events", "acme"), "events") == "acme"


def test_a_token_for_another_service_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(tokens().mint("journeys", "acme"), "events")


def test_a_token_signed_with_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(tokens(key=KEY + "!").mint("events", "acme"), "events")


def test_a_token_lives_a_minute() -> None:
    minted = tokens(0).mint("events", "acme")
    assert tokens(60).verify(minted, "events") == "acme"
    with pytest.raises(Unauthenticated, match="expired"):
        tokens(61).verify(minted, "events")


def test_a_token_is_reused_for_half_its_life() -> None:
    now = [0]
    minting = ServiceTokens(KEY, lambda: now[0] * 1_000_000)
    first = minting.mint("events", "acme")
    now[0] = 30
    assert minting.mint("events", "acme") == first
    now[0] = 31
    assert minting.mint("events", "acme") != first


@pytest.mark.parametrize("text", ["", "not a token", "e30.e30.e30"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(text, "events")
