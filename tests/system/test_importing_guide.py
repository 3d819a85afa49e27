"""The guide to importing history, done as its reader would, with the answers that it promises."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.platform import COMMAND, Platform, one_process

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "importing-history.md"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- next ---"


def test_the_commands_of_the_guide_print_what_it_says(tmp_path: Path) -> None:
    steps: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(GUIDE.read_text()):
        if kind == "bash":
            steps.append((text, ""))
        else:
            steps[-1] = steps[-1][0], text
    assert len([printed for _commands, printed in steps if printed]) == 5
    with one_process(tmp_path) as platform:
        printed = run(platform, [commands for commands, _printed in steps], tmp_path)
    assert printed == [text for _commands, text in steps]


def run(platform: Platform, commands: list[str], folder: Path) -> list[str]:
    """What each block prints; all run in one shell."""
    about = {
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "KLANTREIS_URL": platform.intake_url,
        "KLANTREIS_DATA": str(platform.data),
        "COLUMNS": "200",
    }
    script = f"\necho '{MARK}'\n".join(commands)
    shell = ["bash", "-eu", "-c", script]
    finished = subprocess.run(shell, env=os.environ | about, cwd=folder, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    lines = "\n".join(line.rstrip() for line in finished.stdout.split("\n"))
    return lines.split(f"{MARK}\n")
