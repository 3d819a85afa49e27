"""What `klantreis up` is told from outside."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

import services.events.settings
import services.journeys.settings
import services.personas.settings
from gateway.settings import Origins, check_named
from infra.chassis.data_folder import FolderUnusable
from infra.chassis.settings import DatabaseUrl, DataPath, PublicUrl, SigningKey, Surroundings, is_production


class Settings(Surroundings):
    """Read from the environment with the prefix KLANTREIS_. The services of this process get what concerns them."""

    data: DataPath = Path("var")
    personas_database_url: DatabaseUrl | None = None
    journeys_database_url: DatabaseUrl | None = None
    events_database_url: DatabaseUrl | None = None
    public_url: PublicUrl | None = None
    allowed_origins: Origins = ()
    signing_key: SigningKey = Field(None, validate_default=True)

    _check_origins = field_validator("allowed_origins")(check_named)

    @field_validator("signing_key", mode="before")
    @classmethod
    def _make_one(cls, key: Any, info: ValidationInfo) -> Any:
        """Within one process nobody else needs to know it, so each start may make its own: customer tokens end then."""
        if key is not None:
            return key
        return "" if is_production(info) else secrets.token_urlsafe(32)


def events_settings(settings: Settings) -> services.events.settings.Settings:
    return services.events.settings.Settings(
        data=settings.data,
        events_database_url=settings.events_database_url,
        public_url=settings.public_url,
        signing_key=settings.signing_key,
        environment=settings.environment,
    )


def existing_events_settings() -> services.events.settings.Settings:
    """For commands that look at what there is. Raises FolderUnusable where nothing has ever been."""
    settings = events_settings(Settings())
    if settings.events_database_url is None and not (settings.data / "log.db").is_file():
        raise FolderUnusable(
            f"There is no data in {settings.data}: KLANTREIS_DATA names the folder that `klantreis up` uses, or"
            " KLANTREIS_EVENTS_DATABASE_URL the server."
        )
    return settings


def journeys_settings(settings: Settings) -> services.journeys.settings.Settings:
    return services.journeys.settings.Settings(
        data=settings.data,
        journeys_database_url=settings.journeys_database_url,
        signing_key=settings.signing_key,
        environment=settings.environment,
    )


def personas_settings(settings: Settings) -> services.personas.settings.Settings:
    return services.personas.settings.Settings(
        data=settings.data,
        personas_database_url=settings.personas_database_url,
        signing_key=settings.signing_key,
        environment=settings.environment,
    )
