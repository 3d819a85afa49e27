"""A folder with Node's packages."""

from __future__ import annotations

import pytest

from tests.clients.workshop import Workshop


@pytest.fixture
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))
