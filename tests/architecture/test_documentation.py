"""Documentation cannot lie: every setting and command is described, nothing else is, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import gateway.settings
import infra.local.app  # with everything that counts
import infra.local.settings
import services.events.settings
import services.journeys.settings
import services.personas.settings
from infra.cli import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reference" / "configuration.md").read_text()
OPERATING = (ROOT / "docs" / "guides" / "operating.md").read_text()
SETTINGS = [
    gateway.settings.ProcessSettings,
    infra.local.settings.Settings,
    services.events.settings.Settings,
    services.journeys.settings.Settings,
    services.personas.settings.Settings,
]


def test_every_setting_is_described_and_nothing_else() -> None:
    known = {f"KLANTREIS_{name.upper()}" for settings in SETTINGS for name in settings.model_fields}
    assert set(re.findall(r"^\| `(KLANTREIS_\w+)`", TEXT, re.MULTILINE)) == known


def test_every_metric_is_described_and_nothing_else() -> None:
    known = {
        family.name + "_total" * (family.type == "counter")
        for family in REGISTRY.collect()
        if family.name.startswith("klantreis_")
    }
    assert set(re.findall(r"^\| `(klantreis_\w+)(?:{\w+(?:,\w+)*})?` \|", OPERATING, re.MULTILINE)) == known


def test_every_command_is_described_and_nothing_else() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"^\| `klantreis (\w+)", TEXT, re.MULTILINE)) == known


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.stem
)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
