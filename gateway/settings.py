"""What can be set from outside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from strawberry.http.websocket_origin import normalize_allowed_origins


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(normalize_allowed_origins(origins)))


Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_origins)]
"""`https://shop.example, https://www.shop.example`, or `*` for all."""


class Settings(BaseSettings):
    """Read from `KLANTREIS_*`."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_")

    environment: Literal["development", "production"] = "development"
    """In development `GET /graphql` shows GraphiQL, the schema may be asked for, pages of this machine may ask, and all
    may open WebSockets."""
    allowed_origins: Origins = ()
    """Besides its own: pages from there may ask, and open WebSockets."""


class ProcessSettings(Settings):
    """What a gateway needs besides, when it is a process of its own."""

    personas_url: str
    journeys_url: str
    events_url: str
    signing_key: SecretStr = Field(min_length=32)  # HMAC-SHA256 wants a key as long as its digest
