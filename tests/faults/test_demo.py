"""A demo outlives the platform that it plays on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.demo import CLOSED, running_demo
from tests.support.platform import one_process, until

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]


def test_while_the_platform_is_away_customers_wait(tmp_path: Path) -> None:
    with one_process(tmp_path) as platform, running_demo(platform, tmp_path / "told", "--days", 0) as demo:
        until(lambda: demo.events_sent, 40, "customers come")
        [process] = platform.processes.values()
        process.kill()
        until(lambda: re.search("refused[.] .+", demo.told), 20, "the demo notices")
        sent = demo.events_sent
        process.start()
        until(lambda: demo.events_sent > sent, 60, "customers come again")
    assert demo.told.splitlines()[-1] == CLOSED
