"""What can be set from outside."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from `KLANTREIS_*`."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_")

    environment: Literal["development", "production"] = "development"
    """In development `GET /graphql` shows GraphiQL."""
