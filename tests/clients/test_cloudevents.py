"""The unmodified CloudEvents library for Node, over a road on which answers get lost: each event is stored once."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.clients.workshop import HERE, Workshop
from tests.support.cloud_visits import CloudVisit
from tests.support.platform import one_process
from tests.support.weather import Mishap, bad_weather

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "cloudevents.md"
MISHAPS: tuple[Mishap, ...] = ("refused", "lost", "twice")
BIG = 2**53 - 1
REMARKS = {
    "binary": "this library encodes nothing",
    "structured": 'Één café – "100%" 😀 日本語',
    "batched": 'Één café – "100%" 😀 日本語',
}
ENCODINGS = {"binary": "", "structured": "gzip", "batched": ""}


@pytest.mark.parametrize("mode", REMARKS)
def test_a_visit(mode: str, tmp_path: Path, workshop: Workshop) -> None:
    visit = CloudVisit(BIG, remark=REMARKS[mode])
    shutil.copy(HERE / "cloudevents.mjs", workshop.folder)
    (workshop.folder / "requests.json").write_text(json.dumps(visit.requests))
    with one_process(tmp_path) as platform:
        key = platform.credentials["writeKey"]
        with bad_weather(platform.intake_url, *MISHAPS) as road:
            workshop.run(f"node cloudevents.mjs {road.url} {platform.intake_url} {key} requests.json {mode}")
        assert [mishap for mishap, _status in road.done][:3] == list(MISHAPS)
        assert road.encodings == {ENCODINGS[mode]}
        visit.check(platform)


def test_the_program_of_the_guide(tmp_path: Path, workshop: Workshop) -> None:
    blocks = re.findall(r"^```(?:bash|text)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    setting, program, printed = blocks[0], blocks[-2], blocks[-1]
    with one_process(tmp_path) as platform:
        script = (setting + program).replace("http://127.0.0.1:8000", platform.intake_url)
        assert workshop.run(script.replace("var/", f"{platform.data}/")) == printed
