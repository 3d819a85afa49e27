"""The guide to CloudEvents, done as its reader would, but for the program that needs Node."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.platform import COMMAND, Platform, one_process

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "cloudevents.md"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- next ---"


def test_the_programs_of_the_guide_print_what_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(GUIDE.read_text())
    commands = [text for kind, text in blocks if kind == "bash"]
    promised = [text for kind, text in blocks if kind == "text"]
    assert [kind for kind, _text in blocks] == ["bash"] + ["bash", "text"] * 3
    assert ["\nnode " in text for text in commands] == [False, False, False, True]
    with one_process(tmp_path) as platform:
        answers = run(platform, commands[:-1], tmp_path)
    assert [blur(answer) for answer in answers] == ["", *promised[:-1]]


def run(platform: Platform, commands: list[str], folder: Path) -> list[str]:
    """What each block prints; all run in one shell."""
    script = f"\necho '{MARK}'\n".join(commands)
    script = script.replace("http://127.0.0.1:8000", platform.intake_url).replace("var/", f"{platform.data}/")
    about = os.environ | {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    shell = ["bash", "-euo", "pipefail", "-c", script]
    finished = subprocess.run(shell, env=about, cwd=folder, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split(f"{MARK}\n")


def blur(answer: str) -> str:
    """Without what differs from one run to the next."""
    return re.sub(r'"position": "[^"]*"', '"position": "..."', answer)
