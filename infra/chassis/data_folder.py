"""The folder in which the embedded tier keeps everything; one process at a time may own it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FolderInUse(Exception):
    """Another process runs on this data folder."""


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the folder until the process ends. Raises FolderInUse when another process has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise FolderInUse(
                f"Another klantreis runs on {self.path}. Stop it, or set KLANTREIS_DATA to another folder."
            ) from error
        self._descriptor = descriptor

    def probe(self) -> None:
        """Raises FolderInUse when another process has it, before anything else is begun."""
        self.acquire()
        self.release()

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
