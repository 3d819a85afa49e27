"""Types of settings: what is wrong with one is said before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


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


DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
DataPath = Annotated[Path, BeforeValidator(_check_folder)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
"""Without a slash at its end."""
