"""Zstandard for all threads: a context lets go of the interpreter while it works, and does one thing at a time."""

from __future__ import annotations

import threading

import zstandard


class _Contexts(threading.local):
    def __init__(self) -> None:
        self.decompressor = zstandard.ZstdDecompressor()
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}


_contexts = _Contexts()


def compress(data: bytes, level: int) -> bytes:
    compressor = _contexts.compressors.get(level)
    if compressor is None:
        compressor = _contexts.compressors[level] = zstandard.ZstdCompressor(level=level)
    return compressor.compress(data)


def decompress(data: bytes) -> bytes:
    """Raises zstandard.ZstdError for what `compress` has not made."""
    return _contexts.decompressor.decompress(data)
