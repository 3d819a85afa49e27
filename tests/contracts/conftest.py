"""Gateway, personas, journeys and events as processes of their own, with something in them to ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.installation import Installation, installed
from tests.support.databases import PostgresServer, fresh_postgresql


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer) -> Iterator[Installation]:
    with fresh_postgresql(postgresql) as url, installed(tmp_path_factory.mktemp("installation"), url) as running:
        yield running
