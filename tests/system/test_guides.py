"""Guides whose commands need nothing but a shell, done as their readers would, with the answers that they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.platform import one_process
from tests.system.test_readme import blur, run

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
BLOCK = re.compile(r"^```(bash|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("guide", ["sources.md"])
def test_commands_print_what_the_guide_says(guide: str, tmp_path: Path) -> None:
    blocks = BLOCK.findall((GUIDES / guide).read_text())
    commands = [text for kind, text in blocks if kind == "bash"]
    promised = [text for kind, text in blocks if kind != "bash"]

    with one_process(tmp_path) as platform:
        printed = run(platform, commands)

    assert [blur(text) for text in printed if text] == promised
