"""What all faults share: a seed that is told."""

from __future__ import annotations

import os
import random

import pytest


@pytest.fixture
def seed() -> int:
    """Another one in every run, said in the output of a failure; TEST_SEED repeats one."""
    chosen = int(os.environ.get("TEST_SEED") or random.randrange(1 << 32))
    print(f"TEST_SEED={chosen}")
    return chosen
