"""The tour of the README, done as a newcomer would, with the answers that the README promises."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.platform import Platform, one_process

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(bash|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- next ---"


def test_the_five_minute_tour_answers_what_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(README.read_text())
    commands = [text for kind, text in blocks if kind == "bash"]
    promised = [text for kind, text in blocks if kind == "json"]
    assert [kind for kind, _ in blocks] == ["bash"] + ["bash", "json"] * len(promised)

    with one_process(tmp_path) as platform:
        answers = run(platform, commands)

    assert [blur(answer) for answer in answers[1:]] == [blur(text) for text in promised]


def run(platform: Platform, commands: list[str]) -> list[str]:
    """What each block prints; all run in one shell, as in the newcomer's terminal."""
    script = f"\necho '{MARK}'\n".join(commands)
    script = script.replace("http://127.0.0.1:8000", platform.intake_url).replace("var/", f"{platform.data}/")
    finished = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split(f"{MARK}\n")


def blur(answer: str) -> str:
    """Without what differs from one run to the next."""
    return re.sub(r'"position": "[^"]*"', '"position": "..."', answer)
