"""One platform and one folder with Node's packages for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.workshop import Workshop
from tests.support.platform import Platform, one_process


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running installation, which the clients share: a test reads only customers and journeys of its own."""
    with one_process(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))
