"""What all faults share: a seed that is told, and databases of the kind they need."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Only in the full profile, and one after the other: each is a load on the whole machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.full)
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture
def seed() -> int:
    """Another one in every run, said in the output of a failure; TEST_SEED repeats one."""
    chosen = int(os.environ.get("TEST_SEED") or random.randrange(1 << 32))
    print(f"TEST_SEED={chosen}")
    return chosen
