"""Types of settings: what is wrong with one is said before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_HOW = "such as `openssl rand -base64 32` makes"
_DIFFERENT = 10  # characters, of the 16 that a secret has at least; one made by chance has more


def _check_database_url(text: str) -> str:
    try:
        backend = make_url(text).get_backend_name()
    except ArgumentError as error:
        raise ValueError("this is not a database URL, such as postgresql://user@host/database") from error
    if backend not in {"postgresql", "postgres", "sqlite"}:
        raise ValueError(f"{backend} is no database Klantreis knows; give postgresql://user@host/database")
    return text


def _check_folder(value: Any) -> Any:
    if value == "":
        raise ValueError("name a folder, or leave the variable out")
    return value


def _check_public_url(text: str) -> str:
    parts = urlsplit(text)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError("this is no address for clients, such as https://events.shop.example")
    return text.rstrip("/")


def is_production(info: ValidationInfo) -> bool:
    """For checks of single settings, so that everything that is unsafe is said at once."""
    known: dict[str, Any] | None = info.data  # None where a type is checked by itself
    return known is not None and known.get("environment") == "production"


def _check_private(path: Path, info: ValidationInfo) -> Path:
    if is_production(info):
        for place in (path, path / "credentials.json"):
            if place.exists() and place.stat().st_mode & 0o007:
                raise ValueError(f"everybody on this machine may look into {place}: chmod o= {place}")
    return path


def _check_encrypted(url: str, info: ValidationInfo) -> str:
    if is_production(info) and not url.startswith("https://"):
        raise ValueError(
            "keys and what customers do would travel for all to read: put TLS in front and give https://..."
        )
    return url


def _check_strength(length: int) -> Callable[[SecretStr, ValidationInfo], SecretStr]:
    def check(secret: SecretStr, info: ValidationInfo) -> SecretStr:
        text = secret.get_secret_value()
        if len(text) < length:
            raise ValueError(f"set a secret of at least {length} characters, {_HOW}")
        if is_production(info) and len(set(text)) < _DIFFERENT:
            raise ValueError(f"anybody could guess this; set another, {_HOW}")
        return secret

    return check


def check_server(url: str | None) -> str | None:
    """For services in processes of their own: an embedded store belongs to one process. Raises ValueError."""
    if url is None or make_url(url).get_backend_name() == "sqlite":
        raise ValueError(
            "a process of its own needs postgresql://user@host/database; without a server, run everything in one"
            " process with `klantreis up`"
        )
    return url


DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
DataPath = Annotated[Path, BeforeValidator(_check_folder), AfterValidator(_check_private)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url), AfterValidator(_check_encrypted)]
"""Without a slash at its end."""
SigningKey = Annotated[SecretStr, AfterValidator(_check_strength(32))]  # HMAC-SHA256 wants a key as long as its digest
MetricsToken = Annotated[SecretStr, AfterValidator(_check_strength(16))]


class LogSettings(BaseSettings):
    """What a process is told before all else. Read from the environment with the prefix KLANTREIS_."""

    model_config = SettingsConfigDict(env_prefix="KLANTREIS_", extra="ignore")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None


class Surroundings(LogSettings):
    """What all processes are told. Read from the environment with the prefix KLANTREIS_; arguments go before it."""

    environment: Literal["development", "production"] = "development"  # first: checks of others ask for it
    body_timeout: timedelta = Field(timedelta(seconds=30), gt=timedelta())
    """For how long the body of a request may come in; then it is not waited for any more."""
    metrics_token: MetricsToken | None = None
    """What a scraper of `/metrics` brings."""
