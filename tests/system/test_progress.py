"""`klantreis progress` says how far a platform is, whether it runs or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.platform import one_process
from tests.support.stories import shop_journey, unique

SHOWN = "default: {} of {} entries of the log are visible."


def progress(data: Path, *options: str) -> list[str]:
    command = [str(Path(sys.executable).with_name("klantreis")), "progress", *options]
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
