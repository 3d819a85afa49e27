"""What the events service and its projector are told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from infra.chassis.settings import DatabaseUrl, DataPath, PublicUrl


class NeedsPostgres(Exception):
    """Services and projectors in processes of their own share a database server; the message says what to set."""


class Settings(BaseSettings):
    """Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_", extra="ignore")

    data: DataPath = Path("var")
    events_database_url: DatabaseUrl | None = None
    journeys_url: str | None = None
    personas_url: str | None = None
    signing_key: SecretStr = Field(min_length=32)  # HMAC-SHA256 wants a key as long as its digest
    public_url: PublicUrl | None = None
    """Where browsers find the front door; without it, wherever they say that they found it."""
    environment: Literal["development", "production"] = "development"

    @property
    def log_database_url(self) -> str:
        """Embedded, log and state are files of their own: projecting never makes an acknowledgement wait."""
        return self.events_database_url or f"sqlite:///{self.data / 'log.db'}"

    @property
    def state_database_url(self) -> str:
        return self.events_database_url or f"sqlite:///{self.data / 'state.db'}"

    def require_server(self) -> None:
        """The embedded stores belong to one process, `klantreis up`. Raises NeedsPostgres."""
        if make_url(self.log_database_url).get_backend_name() == "sqlite":
            raise NeedsPostgres(
                "A process of its own needs KLANTREIS_EVENTS_DATABASE_URL=postgresql://...; without a server, run"
                " everything in one process with `klantreis up`."
            )

    @property
    def credentials_file(self) -> Path:
        return self.data / "credentials.json"
