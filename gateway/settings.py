"""What can be set from outside."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from `KLANTREIS_*`."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_")

    environment: Literal["development", "production"] = "development"
    """In development `GET /graphql` shows GraphiQL."""


class ProcessSettings(Settings):
    """What a gateway needs besides, when it is a process of its own."""

    personas_url: str
    journeys_url: str
    events_url: str
    signing_key: SecretStr = Field(min_length=32)  # HMAC-SHA256 wants a key as long as its digest
