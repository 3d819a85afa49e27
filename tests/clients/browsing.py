"""Pages on an address of their own, and Chromium to visit them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.clients.workshop import HERE, Workshop

_SECONDS_TO_CLOSE = 20


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serves a folder; the origin of its pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=folder)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


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
        _printed, complaints = browser.communicate(timeout=_SECONDS_TO_CLOSE)
    assert (browser.returncode, complaints) == (0, "")
