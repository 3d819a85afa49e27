"""Fixtures that every room of tests may use: the databases of both tiers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresServer, fresh_postgresql, shared_server

_RUN = "KLANTREIS_TEST_RUN"


def pytest_configure(config: pytest.Config) -> None:
    """The process that drives the run owns its folder; xdist's workers find it in their environment."""
    if not hasattr(config, "workerinput"):
        os.environ[_RUN] = tempfile.mkdtemp(prefix="klantreis-tests-")
        Path(os.environ[_RUN]).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the shared server after the last worker has ended."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(_RUN))
        server = PostgresServer(folder / "postgresql")
        if server.running:
            server.stop(immediate=True)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql() -> PostgresServer:
    """The run's PostgreSQL server, started at its first use. Never stop it: other tests are on it."""
    return shared_server(Path(os.environ[_RUN]))


@pytest.fixture
def postgresql_url(postgresql: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database of this test alone."""
    with fresh_postgresql(postgresql) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file of this test alone."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of this test alone; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
