"""How far an import has come, so that an interrupted one goes on where it was."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from infra.chassis.data_folder import make_folder


class Done(msgspec.Struct):
    rows: int = 0
    """All up to this one are on disk, or kept as rejected."""
    rejected: int = 0


class Journal:
    """Of one file, as it is now, to one place in one way. Anything else begins anew; what is sent twice counts once."""

    def __init__(self, folder: Path, file: Path, way: str) -> None:
        """`way`: where it goes, by whose key, and how rows become events."""
        about = file.stat()
        named = f"{file.resolve()}\0{about.st_size}\0{about.st_mtime_ns}\0{way}"
        self._path = folder / "imports" / f"{sha256(named.encode(errors='surrogateescape')).hexdigest()[:32]}.json"

    def read(self) -> Done:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Done)
        except (OSError, msgspec.DecodeError):
            return Done()

    def write(self, done: Done) -> None:
        """Raises FolderUnusable."""
        make_folder(self._path.parent)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(done))
        fresh.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
