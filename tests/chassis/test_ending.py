"""A process ends in peace, or says that it did not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from infra.chassis import serving

@asynccontextmanager
async def lifespan(app):
    yield
    if sys.argv[1] == "fails":
        raise RuntimeError("what was begun could not be finished")

started = serving.run(Starlette(lifespan=lifespan), "127.0.0.1", 0, lambda _: signal.raise_signal(signal.SIGTERM))
print(started)
"""


@pytest.mark.parametrize(("ending", "said"), [("succeeds", "True"), ("fails", "False")])
def test_a_process_that_could_not_finish_says_so(ending: str, said: str) -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM, ending], capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stdout) == (0, f"{said}\n"), finished.stderr
