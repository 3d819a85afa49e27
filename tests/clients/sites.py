"""Small servers beside the platform: a shop's pages, and somebody else who takes events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class _Files(_Quiet, SimpleHTTPRequestHandler):
    """Those of a folder."""


class _Archive(_Quiet):
    """Thanks for every call and every batch of them, and writes down each; tells pages that they may, and where to."""

    def __init__(self, *arguments: Any, path: Path) -> None:
        self._path = path
        super().__init__(*arguments)

    def do_GET(self) -> None:
        there = {"apiHost": f"{self.headers['Host']}/v1", "protocol": "http"}
        self._answer({"integrations": {"Segment.io": there}})

    def do_OPTIONS(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self._path.open("a") as archive:
            archive.writelines(json.dumps(call) + "\n" for call in body.get("batch", [body]))
        self._answer({"success": True})

    def _answer(self, content: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Authorization, Content-Type")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serves a folder; the origin of its pages."""
    with _serving(partial(_Files, directory=folder)) as origin:
        yield origin


@contextmanager
def archiving(path: Path) -> Iterator[str]:
    """Takes what Segment's libraries send to this address, and keeps their calls as JSON lines."""
    with _serving(partial(_Archive, path=path)) as address:
        yield address


@contextmanager
def _serving(handler: Any) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
