"""Chromium, to visit pages with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.clients.workshop import HERE, Workshop, ended


def chromium() -> str:
    """Where it is; `make test PROFILE=full` installs it."""
    path = shutil.which("chromium")
    assert path is not None, "There is no chromium."
    return path


@contextmanager
def visited(workshop: Workshop, url: str, device: str) -> Iterator[None]:
    """Has the page open in Chromium meanwhile, on what Playwright calls `device`; fails if the page had errors."""
    shutil.copy(HERE / "browser.mjs", workshop.folder)
    browser = workshop.start(f"node browser.mjs {chromium()} {url} '{device}'")
    try:
        yield
    finally:
        _printed, complaints = ended(browser)
        print(complaints)  # for whoever reads why the test failed
    assert (browser.returncode, complaints) == (0, "")
