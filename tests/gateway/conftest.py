from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.gateway.harness import Gateway, gateway


@pytest.fixture
async def api() -> AsyncIterator[Gateway]:
    async with gateway() as opened:
        yield opened
