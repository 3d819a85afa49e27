"""The guides, done as their readers would: every program runs, prints what it should, and has types."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.browsing import chromium
from tests.clients.sites import archiving
from tests.clients.workshop import HERE, Workshop
from tests.support.platform import Platform, free_port, one_process

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?://|#|<!--) ([\w-]+\.\w+)(?: -->)?\n")
MARK = "--- next ---"


@dataclass
class Step:
    """One command block of a guide, the files to write before it, and what it prints if the guide tells."""

    files: dict[str, str]
    commands: str
    printed: str | None = None


@pytest.fixture
def platform(tmp_path: Path, workshop: Workshop) -> Iterator[Platform]:
    """One of its own, as after the README; programs of the first guide stand beside those of the others."""
    shutil.copy(ROOT / "gateway" / "schema.graphql", workshop.folder)
    for step in steps("frontend"):
        write(step, workshop)
    with one_process(tmp_path) as running:
        (workshop.folder / "var").symlink_to(running.data)
        workshop.run(here("\n".join(tour()), running))
        yield running


def test_frontend(platform: Platform, workshop: Workshop) -> None:
    follow("frontend", platform, workshop)


def test_crm(platform: Platform, workshop: Workshop) -> None:
    follow("crm", platform, workshop)


def test_migrating_from_segment_and_rudderstack(platform: Platform, workshop: Workshop) -> None:
    """Beside one that thanks for everything and archives it."""
    with archiving(workshop.folder / "archive.jsonl") as elsewhere:
        follow("migrating-from-segment-and-rudderstack", platform, workshop, {"https://api.segment.io": elsewhere})


def test_webshop(platform: Platform, workshop: Workshop) -> None:
    """And its page, as its visitors see it."""
    environment = follow("webshop", platform, workshop)
    port = free_port()
    shutil.copy(HERE / "shop.mjs", workshop.folder)
    with ExitStack() as ending:
        server = workshop.start(f"{environment}\nPORT={port} exec node shop-server.ts")
        ending.callback(server.communicate)
        ending.callback(server.terminate)
        assert server.stdout and server.stdout.readline() == "The shop is open.\n"
        seen = workshop.run(f"node shop.mjs {chromium()} http://127.0.0.1:{port}")
    assert seen.splitlines() == ["Welcome.", "Consideration: ACTIVE", "Purchase: ACTIVE"]


def tour() -> list[str]:
    """What somebody types who does the five minutes of the README."""
    return [text for kind, text in BLOCK.findall((ROOT / "README.md").read_text()) if kind == "bash"]


def steps(guide: str) -> Iterator[Step]:
    text = (GUIDES / f"{guide}.md").read_text()
    files: dict[str, str] = {}
    step: Step | None = None
    for kind, block in BLOCK.findall(text):
        name = FILE.match(block)
        if name:
            files[name[1]] = block
        elif kind == "bash":
            if step:
                yield step
            step = Step(files, block)
            files = {}
        elif step and kind != "sh":  # what is to be typed, but is done already
            step.printed = block
    assert step and not files, "the last program is never run"
    yield step


def write(step: Step, workshop: Workshop) -> None:
    for name, text in step.files.items():
        (workshop.folder / name).write_text(text)


def follow(guide: str, platform: Platform, workshop: Workshop, others: Mapping[str, str] | None = None) -> str:
    """Does it all, with `others` in the place of addresses that are not ours; what a shell has to know to go on."""
    environment = "true"
    for step in steps(guide):
        write(step, workshop)
        commands = here(step.commands, platform)
        for address, stand_in in (others or {}).items():
            commands = commands.replace(address, stand_in)
        if commands.startswith("export "):
            environment = commands
        printed = workshop.run(f"{environment}\necho '{MARK}'\n{commands}")
        if step.printed is not None:
            assert blur(printed.partition(f"{MARK}\n")[2]) == step.printed, step.commands
    return environment


def blur(printed: str) -> str:
    """Without positions, which differ from one run to the next, and with an end to the last line."""
    return re.sub(r'"position":"[^"]*"', '"position":"…"', printed).rstrip("\n") + "\n"


def here(script: str, platform: Platform) -> str:
    return script.replace("http://127.0.0.1:8000", platform.intake_url)
