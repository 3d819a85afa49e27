"""What the journeys service is told from outside."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from infra.chassis.settings import DatabaseUrl, DataPath, SigningKey, Surroundings, check_server, is_production


class Settings(Surroundings):
    """Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    data: DataPath = Path("var")
    journeys_database_url: DatabaseUrl | None = None
    events_url: str | None = None
    signing_key: SigningKey

    @property
    def database_url(self) -> str:
        """The database of this service: the one named, or a file in the data folder."""
        return self.journeys_database_url or f"sqlite:///{self.data / 'journeys.db'}"


class ProcessSettings(Settings):
    """Of a journeys service in a process of its own."""

    journeys_database_url: DatabaseUrl | None = Field(None, validate_default=True)

    @field_validator("journeys_database_url")
    @classmethod
    def _share_no_folder(cls, url: str | None, info: ValidationInfo) -> str | None:
        return check_server(url) if is_production(info) else url
