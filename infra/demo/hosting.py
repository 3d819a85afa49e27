"""A platform for the demo where none runs: `klantreis up` in a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from infra.chassis.data_folder import make_folder
from infra.chassis.errors import Unavailable
from infra.demo.platform import Platform
from infra.demo.sending import Sleep

_START_SECONDS, _END_SECONDS, _LOOK_SECONDS = 60.0, 20.0, 0.2


@asynccontextmanager
async def hosted(url: str, folder: Path, sleep: Sleep) -> AsyncIterator[None]:
    """Runs a platform at the address until left. Raises Unavailable if it does not start."""
    make_folder(folder)
    # Whatever databases the environment names are for what is real.
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_DATABASE_URL")}
    port = str(urlsplit(url).port or 80)
    with (folder / "platform.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220  - our own command; it begins at once
            [sys.executable, "-c", "from infra.cli import main; main()", "up"],
            env=kept | {"KLANTREIS_DATA": str(folder), "PORT": port},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for the demo, which then ends it
        )
    try:
        await _wait_until_ready(url, process, folder, sleep)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _wait_until_ready(url: str, process: subprocess.Popen[bytes], folder: Path, sleep: Sleep) -> None:
    platform = Platform(url, "")
    try:
        for _ in range(int(_START_SECONDS / _LOOK_SECONDS)):
            if process.poll() is not None:
                break
            if await platform.is_ready():
                return
            await sleep(_LOOK_SECONDS)
    finally:
        await platform.close()
    raise Unavailable(f"The platform did not start; {folder / 'platform.log'} says why.")
