"""Files as lines: decompressed on the way, never more than one line in memory, and no line without an end."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, cast

from infra.local.history.failures import FileUnusable
from infra.local.history.rows import unusable

LONGEST_LINE = 1 << 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Line(NamedTuple):
    number: int
    """From 1."""
    content: bytes
    """With its end."""


class Source:
    """A file to be read once from its beginning; what ends in `.gz` is decompressed. Use with `with`."""

    def __init__(self, path: Path) -> None:
        """Raises FileUnusable."""
        self.path = path
        try:
            self._raw = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise FileUnusable(f"{path}: {error.strerror}.") from error
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if path.suffix == ".gz" else self._raw

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._raw.close()

    @property
    def read(self) -> int:
        """How many of its bytes have been read."""
        return self._raw.tell()

    def chunks(self, size: int) -> Iterator[bytes]:
        """Raises FileUnusable for what only looks compressed."""
        while chunk := self._next(size, line=False):
            yield chunk

    def lines(self) -> Iterator[Line]:
        """Raises FileUnusable, also for a line of over 1 MiB."""
        number = 0
        while content := self._next(LONGEST_LINE + 1, line=True):
            number += 1
            if len(content) > LONGEST_LINE:
                raise unusable(self.path, number, f"a line has at most {LONGEST_LINE:,} bytes. Is this another format?")
            yield Line(number, content)

    def _next(self, size: int, *, line: bool) -> bytes:
        try:
            return self._file.readline(size) if line else self._file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise FileUnusable(f"{self.path.name} cannot be read: {error}.") from error


def texts(source: Source, encoding: str) -> Iterator[tuple[int, str]]:
    """The lines as texts, with their numbers. Raises FileUnusable where they are not in this encoding."""
    decoder = codecs.lookup(encoding)
    for number, content in source.lines():
        if number == 1:
            if content.startswith(_UTF_16):
                raise unusable(source.path, 1, "this is UTF-16. Save the file as UTF-8.")
            content = content.removeprefix(codecs.BOM_UTF8)
        try:
            yield number, decoder.decode(content)[0]
        except UnicodeDecodeError as error:
            byte = content[error.start]
            raise unusable(
                source.path,
                number,
                f"byte 0x{byte:02x} is not {decoder.name}. Name the encoding of the file, such as --encoding cp1252.",
            ) from error
