"""The platform as its users meet it: real processes, spoken to over HTTP."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from tests.support.databases import PostgresServer, fresh_postgresql

Json = dict[str, Any]
COMMAND = Path(sys.executable).parent / "klantreis"
START_SECONDS = 30.0
END_SECONDS = 20.0


def until(condition: Any, seconds: float, what: str) -> Any:
    """The first truthy answer of `condition`; fails after a deadline instead of sleeping for luck."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Process:
    """One process of the platform, which can be killed and started again as it was."""

    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    ready_path: str | None = None
    port: int = 0
    _running: subprocess.Popen[bytes] | None = None
    _log_file: IO[bytes] | None = None

    def start(self) -> None:
        self._log_file = self.log.open("ab")
        self._running = subprocess.Popen(
            [str(COMMAND), *self.arguments],
            env=dict(self.environment) | {"PORT": str(self.port)},
            stdin=subprocess.DEVNULL,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        if self.ready_path is None:
            return
        until(self._answers, seconds, f"{' '.join(self.arguments)} ready (see {self.log})")

    def _answers(self) -> bool:
        assert self._running is not None
        assert self._running.poll() is None, f"{self.arguments} ended:\n{self.log.read_text()[-3000:]}"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{self.ready_path}", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def pause(self) -> None:
        """As a machine that stands still: nothing of it runs, and it does not know."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash would end it."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """As an operator would end it; its exit status, or None if it was not running."""
        return self._end(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(number)

    def _end(self, number: signal.Signals) -> int | None:
        if self._running is None:
            return None
        self._running.send_signal(number)
        self._running.send_signal(signal.SIGCONT)  # a paused one hears SIGTERM only when it goes on
        try:
            return self._running.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            raise
        finally:
            self._running = None
            if self._log_file is not None:
                self._log_file.close()


@dataclass
class Platform:
    """A running installation."""

    processes: dict[str, Process]
    data: Path
    intake_url: str
    graphql_url: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    @property
    def credentials(self) -> Mapping[str, str]:
        loaded: Mapping[str, str] = json.loads((self.data / "credentials.json").read_text())
        return loaded

    def graphql(self, query: str, /, **variables: Any) -> Json:
        """The data of an answer without errors."""
        answer = self.graphql_answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: Json = answer["data"]
        return data

    def graphql_answer(self, query: str, /, **variables: Any) -> Json:
        response = self.client.post(
            self.graphql_url,
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.credentials['adminKey']}"},
        )
        answer: Json = response.json()
        return answer

    def send(self, path: str, body: Any, *, key: str | None = None, **options: Any) -> httpx.Response:
        """A call to the intake, with the write key unless told otherwise."""
        auth = (key or self.credentials["writeKey"], "")
        return self.client.post(f"{self.intake_url}{path}", json=body, auth=auth, **options)

    def publish(self, journey: Json) -> None:
        """Saves and publishes a journey; fails with the authors' errors."""
        saved = self.graphql(
            "mutation($input: JourneyInput!) { saveJourney(input: $input) { errors { code message path } } }",
            input=journey,
        )
        assert saved["saveJourney"]["errors"] == []
        published = self.graphql(
            "mutation($key: String!) { publishJourney(key: $key) { pending errors { code message path } } }",
            key=journey["key"],
        )
        assert published["publishJourney"] == {"pending": False, "errors": []}

    def settle(self, seconds: float = 60.0) -> None:
        """Waits until everything logged is visible, published versions too."""
        nothing_left = {"lag": 0, "rebuilding": False}
        until(
            lambda: self.graphql("{ projection { lag rebuilding } }")["projection"] == nothing_left,
            seconds,
            "everything projected",
        )


def _environment(data: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KLANTREIS_") and name != "PORT"}
    return kept | {"KLANTREIS_DATA": str(data)} | more


@contextmanager
def one_process(folder: Path, postgresql_url: str | None = None, **settings: str) -> Iterator[Platform]:
    """`klantreis up`, on SQLite unless a PostgreSQL database is given; `settings` are variables of its environment."""
    more = dict(settings)
    if postgresql_url:
        more |= {f"KLANTREIS_{name}_DATABASE_URL": postgresql_url for name in ("EVENTS", "JOURNEYS", "PERSONAS")}
    data = folder / "data"
    process = Process(["up"], _environment(data, **more), folder / "up.log", "/health/ready", free_port())
    address = f"http://127.0.0.1:{process.port}"
    with _running(Platform({"up": process}, data, address, f"{address}/graphql")) as platform:
        yield platform


@contextmanager
def one_process_on(database: str, folder: Path, server: PostgresServer, **settings: str) -> Iterator[Platform]:
    """`klantreis up` on "sqlite" or on "postgresql", in a database of its own."""
    with ExitStack() as opened:
        url = opened.enter_context(fresh_postgresql(server)) if database == "postgresql" else None
        yield opened.enter_context(one_process(folder, url, **settings))


@contextmanager
def four_processes(folder: Path, postgresql_url: str, **settings: str) -> Iterator[Platform]:
    """Gateway, journeys, events and projector, each in a process of its own, and personas beside them."""
    data = folder / "data"
    ports = {name: free_port() for name in ("personas", "journeys", "events", "gateway", "projector")}
    environment = _environment(
        data,
        **settings,
        KLANTREIS_EVENTS_DATABASE_URL=postgresql_url,
        KLANTREIS_JOURNEYS_DATABASE_URL=postgresql_url,
        KLANTREIS_PERSONAS_DATABASE_URL=postgresql_url,
        KLANTREIS_PERSONAS_URL=f"http://127.0.0.1:{ports['personas']}",
        KLANTREIS_JOURNEYS_URL=f"http://127.0.0.1:{ports['journeys']}",
        KLANTREIS_EVENTS_URL=f"http://127.0.0.1:{ports['events']}",
        KLANTREIS_SIGNING_KEY=secrets.token_urlsafe(32),
    )
    commands = {name: ["serve", name] for name in ports} | {"projector": ["project"]}
    processes = {
        name: Process(commands[name], environment, folder / f"{name}.log", "/health/ready", port)
        for name, port in ports.items()
    }
    platform = Platform(
        processes,
        data,
        f"http://127.0.0.1:{ports['events']}",
        f"http://127.0.0.1:{ports['gateway']}/graphql",
    )
    with _running(platform):
        yield platform


@contextmanager
def _running(platform: Platform) -> Iterator[Platform]:
    try:
        for process in platform.processes.values():
            process.start()
        for process in platform.processes.values():
            process.wait_ready()
        yield platform
    finally:
        platform.client.close()
        enders = [threading.Thread(target=process.stop) for process in platform.processes.values()]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
