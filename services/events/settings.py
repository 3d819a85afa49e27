"""What the events service and its projector are told from outside."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from infra.chassis.settings import DatabaseUrl, DataPath, PublicUrl, SigningKey, Surroundings, check_server


class Settings(Surroundings):
    """Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    data: DataPath = Path("var")
    events_database_url: DatabaseUrl | None = None
    journeys_url: str | None = None
    personas_url: str | None = None
    signing_key: SigningKey
    public_url: PublicUrl | None = None
    """Where browsers find the front door; without it, wherever they say that they found it."""

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


class ProcessSettings(Settings):
    """Of a service or a projector in a process of its own."""

    events_database_url: DatabaseUrl | None = Field(None, validate_default=True)

    @field_validator("events_database_url")
    @classmethod
    def _share_a_server(cls, url: str | None) -> str | None:
        return check_server(url)
