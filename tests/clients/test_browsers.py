"""Unmodified libraries in Chromium, on a page of another origin, over a road on which answers get lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.clients.browsing import visited
from tests.clients.sites import site
from tests.clients.workshop import HERE, Workshop
from tests.support.databases import PostgresServer
from tests.support.platform import Platform, one_process_on, until
from tests.support.visits import Visit
from tests.support.weather import Mishap, bad_weather

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

BIG = 2**53 - 1
SECONDS = 40
PAGE = '<!doctype html><meta charset="utf-8"><title>Shop</title><script type="module" src="{library}.js"></script>'


@dataclass(frozen=True)
class Manner:
    """How a library is set up, and what it is known to do."""

    library: str
    paths: set[str]
    """Where it sends to."""
    leaving: bool = False
    """It gathers events, and sends them when the visitor leaves the page."""
    own_ids: bool = False
    keeps_null: bool = True

    @property
    def mishaps(self) -> tuple[Mishap, ...]:
        return ("twice",) if self.leaving else ("refused", "lost", "twice")  # nobody is left who would try again

    @property
    def on(self) -> tuple[str, str]:
        """What Playwright calls the device, and what we do."""
        return ("Pixel 7", "mobile") if self.leaving else ("Desktop Chrome", "desktop")


MANNERS = {
    "analytics-next": Manner("segment", {"/v1/p", "/v1/t", "/v1/i"}),
    "analytics-next in batches": Manner("segment", {"/v1/b"}, leaving=True),
    "analytics-js": Manner("rudderstack", {"/v1/page", "/v1/track", "/v1/identify"}, own_ids=True, keeps_null=False),
    "analytics-js by beacon": Manner("rudderstack", {"/beacon/v1/batch"}, leaving=True, own_ids=True, keeps_null=False),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer
) -> Iterator[Platform]:
    with one_process_on(request.param, tmp_path_factory.mktemp("platform"), postgresql) as running:
        yield running


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_a_visit(manner: Manner, platform: Platform, workshop: Workshop) -> None:
    visit = Visit(BIG, large=not manner.leaving, own_ids=manner.own_ids)
    (playwrights, ours) = manner.on
    with bad_weather(platform.intake_url, *manner.mishaps) as road, site(workshop.folder) as shop:
        story = {"url": road.url, "writeKey": platform.credentials["writeKey"], "leaving": manner.leaving}
        build(workshop, manner.library, story | {"visitor": visit.visitor, "calls": visit.calls})
        with visited(workshop, f"{shop}/shop.html", playwrights):
            until(lambda: visit.arrived(platform), SECONDS, "the visit arrived")
    assert {mishap for mishap, _status in road.done} >= set(manner.mishaps)
    assert road.paths == manner.paths
    if not manner.keeps_null:
        visit.properties = {name: value for name, value in visit.properties.items() if value is not None}
    events = visit.check(platform)
    assert {(event["channel"], event["device"]) for event in events} == {("web", ours)}
    assert {event["context"]["page"]["url"] for event in events} == {f"{shop}/shop.html"}


def build(workshop: Workshop, library: str, story: dict[str, object]) -> None:
    """A shop of two pages; the library is bundled as shops do it, and unchanged."""
    shutil.copy(HERE / "pages" / f"{library}.js", workshop.folder)
    workshop.run(f"npx esbuild {library}.js --bundle --format=esm --outdir=. --allow-overwrite --log-level=warning")
    (workshop.folder / "shop.html").write_text(PAGE.format(library=library))
    (workshop.folder / "left.html").write_text("<!doctype html><title>Elsewhere</title>")
    (workshop.folder / "story.json").write_text(json.dumps(story))
