"""`klantreis demo` beside a running platform, watched without a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.platform import COMMAND, Platform

CLOSED = "The simulated shop is closed. Its history stays; the same command opens it again."


@dataclass
class Running:
    """The command, while it runs."""

    out: Path

    @property
    def told(self) -> str:
        return self.out.read_text()

    @property
    def events_sent(self) -> int:
        """As it said last."""
        return max((int(count) for count in re.findall(r"(\d+) events sent", self.told)), default=0)


@contextmanager
def running_demo(platform: Platform, out: Path, *options: object) -> Iterator[Running]:
    """Until left, which ends it as Ctrl+C would; it then says goodbye and nothing else."""
    with out.open("wb") as told:
        process = subprocess.Popen(
            [str(COMMAND), "demo", "--speed", "40000", *map(str, options)],
            env=os.environ | {"KLANTREIS_DATA": str(platform.data), "KLANTREIS_URL": platform.intake_url},
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(out)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "Traceback" not in out.read_text()
    finally:
        process.kill()
        process.wait()
