from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.gateway.harness import Gateway
from tests.gateway.served import served


@pytest.fixture
async def address(api: Gateway) -> AsyncIterator[str]:
    """Where `api` can be reached over sockets."""
    async with served(api.app) as address:
        yield address
