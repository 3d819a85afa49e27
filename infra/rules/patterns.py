"""Regular expressions of `matches()`: RE2, so that time is linear in the text, and small, so that the factor is too."""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

MAX_LENGTH: Final = 256
"""Characters in a pattern."""
MAX_PROGRAM: Final = 1_000
"""Instructions of a compiled pattern; measured, the worst one of this size reads an event of 32 KiB in .15 s."""
_MEMORY: Final = 1 << 20


class Pattern:
    """A compiled pattern; `found_in(text)` says whether it occurs anywhere in the text."""

    def __init__(self, text: str) -> None:
        """Raises ValueError with what is wrong with the pattern."""
        if len(text) > MAX_LENGTH:
            raise ValueError(f"a pattern has at most {MAX_LENGTH} characters, this one {len(text)}")
        re2: Any = import_module("re2")  # untyped, and not needed by most rules
        options = re2.Options()
        options.log_errors, options.max_mem = False, _MEMORY
        try:
            # Bytes, because for a str re2 recounts the offsets of a match in characters, which nobody asks for.
            pattern = re2.compile(text.encode(), options)
        except re2.error as error:
            reason = error.args[0]
            raise ValueError(reason.decode() if isinstance(reason, bytes) else reason) from None
        self.program: int = pattern.programsize
        if self.program > MAX_PROGRAM:
            raise ValueError(f"the pattern compiles to {self.program:,} steps, more than {MAX_PROGRAM:,}")
        search: Callable[[bytes], object] = pattern.search
        self._search = search

    def found_in(self, text: str) -> bool:
        return self._search(text.encode("utf-8", "surrogatepass")) is not None


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """The pattern `text`; raises ValueError with what is wrong with it."""
    return Pattern(text)
