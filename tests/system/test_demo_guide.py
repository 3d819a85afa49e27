"""The guide to the demo, done as its reader would."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
from pathlib import Path

from infra.demo.command import demo
from tests.support.platform import COMMAND, one_process

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "demo.md").read_text()
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_command_of_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    (kind, command), (_, promised) = BLOCK.findall(GUIDE)
    assert kind == "bash"
    with one_process(tmp_path) as platform:
        about = {
            "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
            "KLANTREIS_URL": platform.intake_url,
            "KLANTREIS_DATA": str(platform.data),
        }
        finished = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=os.environ | about,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == promised


def test_every_option_is_described_and_nothing_else() -> None:
    assert re.findall(r"^\| `--(\w+)`", GUIDE, re.MULTILINE) == list(inspect.signature(demo).parameters)
