"""The processes under measurement: real ones, as an operator would start them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.platform import Process, free_port


class EventsServer(NamedTuple):
    address: str
    write_key: str
    pid: int


@contextmanager
def events_server(folder: Path, database_url: str | None) -> Iterator[EventsServer]:
    """`klantreis serve events` without a projector: intake alone. On SQLite unless a PostgreSQL database is given."""
    folder.mkdir()
    data = folder / "data"
    environment = clean_environment() | {
        "KLANTREIS_DATA": str(data),
        "KLANTREIS_SIGNING_KEY": secrets.token_urlsafe(32),
    }
    if database_url:
        environment["KLANTREIS_EVENTS_DATABASE_URL"] = database_url
    process = Process(["serve", "events"], environment, folder / "events.log", "/health/live", free_port())
    process.start()
    try:
        process.wait_ready()
        write_key = json.loads((data / "credentials.json").read_text())["writeKey"]
        yield EventsServer(f"http://127.0.0.1:{process.port}", write_key, process.pid)
    finally:
        process.stop()


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("KLANTREIS_") and name != "PORT"}
