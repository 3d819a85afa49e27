"""The three shapes in which the platform runs; every story is told on each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.platform import Platform, four_processes, one_process

SHAPES = ["one process on SQLite", "one process on PostgreSQL", "four processes on PostgreSQL"]


@pytest.fixture(scope="module", params=[pytest.param(shape, marks=pytest.mark.xdist_group(shape)) for shape in SHAPES])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer
) -> Iterator[Platform]:
    """A running platform that the stories of one file share; each story brings its own customers and journeys."""
    folder = tmp_path_factory.mktemp("platform")
    if request.param == SHAPES[0]:
        with one_process(folder) as running:
            yield running
        return
    shape = one_process if request.param == SHAPES[1] else four_processes
    with fresh_postgresql(postgresql) as url, shape(folder, url) as running:
        yield running
