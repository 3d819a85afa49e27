"""What the personas service is told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.chassis.settings import DatabaseUrl, DataPath


class Settings(BaseSettings):
    """Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_", extra="ignore")

    data: DataPath = Path("var")
    personas_database_url: DatabaseUrl | None = None
    events_url: str | None = None
    signing_key: SecretStr = Field(min_length=32)  # HMAC-SHA256 wants a key as long as its digest
    environment: Literal["development", "production"] = "development"

    @property
    def database_url(self) -> str:
        """The database of this service: the one named, or a file in the data folder."""
        return self.personas_database_url or f"sqlite:///{self.data / 'personas.db'}"


class ProcessSettings(Settings):
    """Of a personas service in a process of its own."""

    @model_validator(mode="after")
    def _separate_services_share_no_folder(self) -> Self:
        if self.environment == "production" and not self.personas_database_url:
            raise ValueError("a personas service in a process of its own needs KLANTREIS_PERSONAS_DATABASE_URL")
        return self
