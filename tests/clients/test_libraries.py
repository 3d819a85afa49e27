"""Unmodified libraries for Node, over a road on which answers get lost: each event is stored once, as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.clients.workshop import HERE, Workshop
from tests.support.platform import one_process
from tests.support.visits import Visit
from tests.support.weather import Mishap, bad_weather

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

MISHAPS: tuple[Mishap, ...] = ("refused", "lost", "twice")
BIG = 2**53 - 1
ENCODINGS = {"segment": "", "rudderstack": "gzip"}


@pytest.mark.parametrize("library", ENCODINGS)
def test_a_visit(library: str, tmp_path: Path, workshop: Workshop) -> None:
    visit = Visit(BIG)
    shutil.copy(HERE / f"{library}.mjs", workshop.folder)
    (workshop.folder / "calls.json").write_text(json.dumps(visit.calls))
    with one_process(tmp_path) as platform:
        key = platform.credentials["writeKey"]
        with bad_weather(platform.intake_url, *MISHAPS) as road:
            workshop.run(f"node {library}.mjs {road.url} {key} calls.json")
        assert {mishap for mishap, _status in road.done} >= set(MISHAPS)
        assert road.encodings == {ENCODINGS[library]}
        visit.check(platform)
