"""The folder in which the embedded tier keeps everything; one process at a time may own it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FolderUnusable(Exception):
    """The folder cannot be made or written, or another process runs on it; the message says what to do."""


class FolderTaken(FolderUnusable):
    """Another process runs on it."""


def make_folder(path: Path) -> None:
    """For personal data: nobody else may look into it. Raises FolderUnusable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(error) from error


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the folder until the process ends. Raises FolderUnusable."""
        make_folder(self.path)
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise FolderTaken(
                f"Another klantreis runs on {self.path}. Stop it, or set KLANTREIS_DATA to another folder."
            ) from error
        self._descriptor = descriptor

    def probe(self) -> None:
        """Raises FolderUnusable before anything else is begun."""
        self.acquire()
        self.release()

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _unusable(error: OSError) -> FolderUnusable:
    """Databases may lie in the data folder, or wherever their URLs say."""
    reason = f"{error.strerror}: {error.filename}"
    return FolderUnusable(
        f"The folder for data cannot be used ({reason}). Set KLANTREIS_DATA, or the database URL that names it, to"
        " another."
    )
