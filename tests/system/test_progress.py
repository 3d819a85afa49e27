"""`klantreis progress` says how far a platform is, whether it runs or not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.platform import COMMAND, one_process
from tests.support.stories import shop_journey, unique

SHOWN = "default: {} of {} entries of the log are visible."


def progress(data: Path, *options: str) -> list[str]:
    command = [str(COMMAND), "progress", *options]
    environment = os.environ | {"KLANTREIS_DATA": str(data)}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return finished.stdout.splitlines()


def test_how_far_a_platform_is(tmp_path: Path) -> None:
    with one_process(tmp_path) as platform:
        platform.publish(shop_journey(unique("shop")))
        platform.send("/v1/track", {"userId": "u", "event": "Product Viewed"})
        assert progress(platform.data, "--watch")[-1] == "Everything is visible."
        assert progress(platform.data) == [SHOWN.format(2, 2)]

    assert progress(platform.data) == [SHOWN.format(2, 2)]


def test_where_nothing_has_been_nothing_is_made(tmp_path: Path) -> None:
    for command in ("progress", "doctor", "replay"):
        finished = subprocess.run(
            [str(COMMAND), command],
            env=os.environ | {"KLANTREIS_DATA": str(tmp_path / "nowhere")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == os.EX_TEMPFAIL
        assert finished.stderr.startswith(f"There is no data in {tmp_path / 'nowhere'}")
    assert list(tmp_path.iterdir()) == []
