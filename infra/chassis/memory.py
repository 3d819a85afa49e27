"""The garbage collector of a process that has started and will now work for a long time."""

from __future__ import annotations

import gc

_ALLOCATIONS = 50_000  # before the youngest objects are looked at; the default of 700 is many times within one batch


def settle() -> None:
    """Takes everything loaded so far for permanent, and looks at the rest less often.

    Otherwise each full collection walks through all modules, tables and routes: a quarter of the projector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
