"""The property of any order is worth as much as the faults it finds: planted ones, each in a copy of the product."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tests
from tests.mutants.planted import PLANTED, Mutant
from tests.mutants.trial import FOUND, SCRIPTS

pytestmark = pytest.mark.full

_ROOT = Path(tests.__file__).parent.parent
_PRODUCT = ("infra", "services")
_SEEDS = [str(seed) for seed in range(1, 9)]
"""Tried one after the other until a fault is found; nearly always the first one does."""
_SECONDS = 240


def tried(product: Path, script: str, seeds: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mutants.trial", str(product), script, *seeds]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(product), str(_ROOT)])}
    return subprocess.run(
        command, cwd=product, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A copy, compiled files included: they stay valid."""
    for name in _PRODUCT:
        shutil.copytree(_ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_product_as_it_is_passes(product: Path, script: str) -> None:
    trial = tried(product, script, _SEEDS[:2])
    assert (trial.returncode, trial.stdout, trial.stderr) == (0, "", "")


@pytest.mark.parametrize("mutant", PLANTED, ids=[mutant.name for mutant in PLANTED])
def test_a_planted_fault_is_found(product: Path, mutant: Mutant) -> None:
    module = product / mutant.module
    source = module.read_text()
    assert source.count(mutant.text) == 1, "the product has changed: plant this fault anew"
    module.write_text(source.replace(mutant.text, mutant.instead))
    trial = tried(product, mutant.script, _SEEDS)
    assert trial.returncode == 1, trial.stderr
    assert FOUND in trial.stdout
