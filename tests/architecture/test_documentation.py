"""Documentation cannot lie: every setting and command is described, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import gateway.settings
import infra.local.settings
import services.events.settings
import services.journeys.settings
from infra.cli import app

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text()
SETTINGS = [
    gateway.settings.ProcessSettings,
    infra.local.settings.Settings,
    services.events.settings.Settings,
    services.journeys.settings.Settings,
]


def test_every_setting_is_described_and_nothing_else() -> None:
    known = {f"KLANTREIS_{name.upper()}" for settings in SETTINGS for name in settings.model_fields}
    assert set(re.findall(r"^\| `(KLANTREIS_\w+)`", TEXT, re.MULTILINE)) == known


def test_every_command_is_described_and_nothing_else() -> None:
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"^\| `klantreis (\w+)", TEXT, re.MULTILINE)) == known
