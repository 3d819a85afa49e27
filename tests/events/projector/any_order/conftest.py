"""Two databases of the same kind: one to live through everything, one to be told of it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import PostgresServer, fresh_postgresql


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
def database_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Both empty, and of this test alone; in the full profile the test runs once on each kind."""
    if request.param == "sqlite":
        for name in ("played", "replayed"):
            (tmp_path / name).mkdir()
        yield f"sqlite:///{tmp_path / 'played' / 'test.db'}", f"sqlite:///{tmp_path / 'replayed' / 'test.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    with fresh_postgresql(server) as played, fresh_postgresql(server) as replayed:
        yield played, replayed
