"""What the events service and its projector are told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_", extra="ignore")

    data: Path = Path("var")
    events_database_url: str | None = None
    journeys_url: str | None = None
    signing_key: SecretStr = Field(min_length=32)  # HMAC-SHA256 wants a key as long as its digest
    environment: Literal["development", "production"] = "development"

    @property
    def log_database_url(self) -> str:
        """Embedded, log and state are files of their own: projecting never makes an acknowledgement wait."""
        return self.events_database_url or f"sqlite:///{self.data / 'log.db'}"

    @property
    def state_database_url(self) -> str:
        return self.events_database_url or f"sqlite:///{self.data / 'state.db'}"

    @property
    def credentials_file(self) -> Path:
        return self.data / "credentials.json"
