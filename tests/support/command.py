"""The command `klantreis`, typed beside a running platform."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from tests.support.platform import COMMAND, Platform

_SECONDS = 120


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was said, without the progress bars."""
        return [line.rstrip() for line in self.out.splitlines() if line.strip() and "━" not in line]


def klantreis(platform: Platform, *arguments: object, url: str | None = None) -> Said:
    """Says what came of it; the platform's data folder has the key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KLANTREIS_")}
    about = {"KLANTREIS_DATA": str(platform.data), "KLANTREIS_URL": url or platform.intake_url, "COLUMNS": "200"}
    finished = subprocess.run(
        [str(COMMAND), *map(str, arguments)], env=kept | about, capture_output=True, text=True, timeout=_SECONDS
    )
    return Said(finished.returncode, finished.stdout, finished.stderr)
