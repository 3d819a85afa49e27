"""The processes under measurement."""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from infra.chassis import serving
from services.events.app import create_app
from services.events.settings import Settings

Serve = Callable[[str, int, Callable[[str], None]], bool]
_START_SECONDS = 30
_STOP_SECONDS = 20


def intake(host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """The events service without a projector, on SQLite too, which `klantreis serve events` would refuse."""
    return serving.run(create_app(Settings()), host, port, on_ready)


class Server(NamedTuple):
    """A process under measurement."""

    address: str
    pid: int


class EventsServer(NamedTuple):
    address: str
    write_key: str
    pid: int


@contextmanager
def server(serve: Serve, settings: Mapping[str, str]) -> Iterator[Server]:
    """What `serve` serves, in a process of its own that finds `settings`, and no others of ours, in its environment."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(serve, settings, sending))
    process.start()
    sending.close()  # ours: should the process end early, receiving ends too
    try:
        if not receiving.poll(_START_SECONDS):
            raise TimeoutError("the server did not start")
        assert process.pid is not None
        yield Server(receiving.recv(), process.pid)
    finally:
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGTERM)
        process.join(_STOP_SECONDS)


@contextmanager
def events_server(folder: Path, database_url: str | None, serve: Serve = intake) -> Iterator[EventsServer]:
    """A process of its own, on SQLite unless a PostgreSQL database is given."""
    folder.mkdir()
    settings = {"KLANTREIS_DATA": str(folder / "data"), "KLANTREIS_SIGNING_KEY": secrets.token_urlsafe(32)}
    if database_url:
        settings["KLANTREIS_EVENTS_DATABASE_URL"] = database_url
    with server(serve, settings) as (address, pid):
        write_key = json.loads((folder / "data" / "credentials.json").read_text())["writeKey"]
        yield EventsServer(address, write_key, pid)


def _run(serve: Serve, settings: Mapping[str, str], sending: Connection) -> None:
    for name in [name for name in os.environ if name.startswith("KLANTREIS_")]:
        del os.environ[name]
    os.environ |= settings
    serve("127.0.0.1", 0, sending.send)
