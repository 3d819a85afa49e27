"""The guides, done as their readers would: every program runs, prints what it should, and has types."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.browsing import chromium, visited
from tests.clients.sites import archiving, site
from tests.clients.workshop import HERE, Workshop, ended
from tests.support.platform import Platform, free_port, one_process, until

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?://|#|<!--) ([\w-]+\.\w+)(?: -->)?\n")
MARK = "--- next ---"
BUNDLING = """
npx esbuild page.js --bundle --format=esm --outfile=bundle.js --log-level=warning --define:process.env="$(node -p '
  const { KLANTREIS_URL, KLANTREIS_WRITE_KEY, OLD_CDN, OLD_WRITE_KEY } = process.env;
  JSON.stringify({ KLANTREIS_URL, KLANTREIS_WRITE_KEY, OLD_CDN, OLD_WRITE_KEY });
')"
"""
NOBODY_ELSE: Mapping[str, str] = {}


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
        follow("migrating-from-segment-and-rudderstack", platform, workshop, segments(elsewhere))


def test_a_page_that_sends_to_both(platform: Platform, workshop: Workshop) -> None:
    guide = list(steps("migrating-from-segment-and-rudderstack"))
    for step in guide:
        write(step, workshop)
    (workshop.folder / "page.js").write_text('import { track } from "./both-page.js"; track("Product Viewed", {});')
    (workshop.folder / "page.html").write_text('<!doctype html><script type="module" src="bundle.js"></script>')
    archive = workshop.folder / "archive.jsonl"
    archive.touch()
    with archiving(archive) as elsewhere, site(workshop.folder) as shop:
        workshop.run(f"{here(guide[0].commands, platform, segments(elsewhere))}\n{BUNDLING}")
        with visited(workshop, f"{shop}/page.html", "Desktop Chrome"):
            [line] = until(lambda: archive.read_text().splitlines(), 30, "there")
            call = json.loads(line)
            customer = until(lambda: visitor(call["anonymousId"], platform), 30, "here")
    [event] = [edge["node"] for edge in customer["timeline"]["edges"]]
    assert (event["messageId"], event["name"]) == (call["messageId"], "Product Viewed")
    assert datetime.fromisoformat(event["occurredAt"]) == datetime.fromisoformat(call["timestamp"])


def visitor(name: str, platform: Platform) -> Any:
    query = """query($name: String!) {
      customer(identifier: { type: "anonymous_id", value: $name }) {
        timeline { edges { node { messageId name occurredAt } } }
      }
    }"""
    return platform.graphql(query, name=name)["customer"]


def test_webshop(platform: Platform, workshop: Workshop) -> None:
    """And its page, as its visitors see it."""
    environment = follow("webshop", platform, workshop)
    port = free_port()
    shutil.copy(HERE / "shop.mjs", workshop.folder)
    with ExitStack() as ending:
        server = workshop.start(f"{environment}\nPORT={port} exec node shop-server.ts")
        ending.callback(ended, server)
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


def follow(guide: str, platform: Platform, workshop: Workshop, elsewhere: Mapping[str, str] = NOBODY_ELSE) -> str:
    """Does it all, with stand-ins for what is `elsewhere`; what a shell has to know to go on."""
    environment = "true"
    for step in steps(guide):
        write(step, workshop)
        commands = here(step.commands, platform, elsewhere)
        if commands.startswith("export "):
            environment = commands
        printed = workshop.run(f"{environment}\necho '{MARK}'\n{commands}")
        if step.printed is not None:
            assert blur(printed.partition(f"{MARK}\n")[2]) == step.printed, step.commands
    return environment


def blur(printed: str) -> str:
    """Without positions, which differ from one run to the next, and with an end to the last line."""
    return re.sub(r'"position":"[^"]*"', '"position":"…"', printed).rstrip("\n") + "\n"


def segments(stand_in: str) -> dict[str, str]:
    """Segment's addresses, and who is asked instead."""
    return {"https://api.segment.io": stand_in, "https://cdn.segment.com": stand_in}


def here(script: str, platform: Platform, elsewhere: Mapping[str, str] = NOBODY_ELSE) -> str:
    for address, stand_in in [("http://127.0.0.1:8000", platform.intake_url), *elsewhere.items()]:
        script = script.replace(address, stand_in)
    return script
