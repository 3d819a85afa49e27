"""The id of a request: in every log line and error answer on its way through the processes, so that they can be told
together.

Callers may bring one of their own; else the first process to hear of the request makes one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import Context, ContextVar, copy_context
from random import getrandbits

HEADER = "X-Request-Id"

_HEADER = HEADER.lower().encode()
_PROPER = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_current: ContextVar[str | None] = ContextVar("request id", default=None)


def current() -> str | None:
    """The id of the request that is being answered; None outside of any."""
    return _current.get()


def begin(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """From here on the id that a request brings is the current one, or a new one if it brings none.

    Ids stand in logs: one that may be an address, of a machine or of a mailbox, counts as none.
    """
    for name, value in headers:
        if name == _HEADER:
            id = value.decode() if _PROPER.fullmatch(value) else _new()
            break
    else:
        id = _new()
    _current.set(id)
    return id


def _new() -> str:
    return f"{getrandbits(128):032x}"


def outliving() -> Context:
    """The context for work that a request begins and others go on to use: it is no request's."""
    context = copy_context()
    context.run(_current.set, None)
    return context
