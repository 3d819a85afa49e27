"""The guides for frontends, done as their readers would: every program runs, prints what it should, and has types."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.workshop import Workshop
from tests.support.platform import Platform, one_process

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"// ([\w.-]+)\n")
MARK = "--- next ---"


@dataclass
class Step:
    """One command block of a guide, the files to write before it, and what it prints if the guide tells."""

    files: dict[str, str]
    commands: str
    printed: str | None = None


@pytest.mark.parametrize("guide", ["frontend.md", "webshop.md"])
def test_the_programs_of_the_guides_do_what_they_say(guide: str, tmp_path: Path, workshop: Workshop) -> None:
    """On a platform of its own, as after the README; programs of the first guide stand beside those of the others."""
    shutil.copy(ROOT / "gateway" / "schema.graphql", workshop.folder)
    for step in steps((GUIDES / "frontend.md").read_text()):
        write(step, workshop)
    with one_process(tmp_path) as platform:
        workshop.run(here("\n".join(tour()), platform))
        follow(list(steps((GUIDES / guide).read_text())), platform, workshop)


def tour() -> list[str]:
    """What somebody types who does the five minutes of the README."""
    return [text for kind, text in BLOCK.findall((ROOT / "README.md").read_text()) if kind == "bash"]


def steps(guide: str) -> Iterator[Step]:
    files: dict[str, str] = {}
    step: Step | None = None
    for kind, text in BLOCK.findall(guide):
        name = FILE.match(text)
        if name:
            files[name[1]] = text
        elif kind == "bash":
            if step:
                yield step
            step = Step(files, text)
            files = {}
        elif step and kind != "sh":  # what is to be typed, but is done already
            step.printed = text
    assert step and not files, "the last program is never run"
    yield step


def write(step: Step, workshop: Workshop) -> None:
    for name, text in step.files.items():
        (workshop.folder / name).write_text(text)


def follow(guide: list[Step], platform: Platform, workshop: Workshop) -> None:
    environment = "true"
    for step in guide:
        write(step, workshop)
        if step.commands.startswith("export "):
            environment = step.commands
        printed = workshop.run(here(f"{environment}\necho '{MARK}'\n{step.commands}", platform))
        if step.printed is not None:
            assert printed.partition(f"{MARK}\n")[2] == step.printed, step.commands


def here(script: str, platform: Platform) -> str:
    return script.replace("http://127.0.0.1:8000", platform.intake_url).replace("var/", f"{platform.data}/")
