"""Plays scripts against the product that is found first: exits with 1 as soon as something is not as it must be.

Run with `python -m tests.mutants.trial FOLDER SEED...` where the product's packages lie in the folder.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import services.events
from tests.events.projector.any_order.play import mismatches
from tests.events.projector.any_order.script import EVERYTHING, Script

FOUND = "not as it must be:"
_EVENTS_OF_HOTTEST = 450


def main(folder: str, *seeds: str) -> int:
    assert Path(services.events.__file__).is_relative_to(folder), "another product was found"
    logging.disable()
    for seed in seeds:
        script = Script(int(seed), _EVENTS_OF_HOTTEST, EVERYTHING)
        with tempfile.TemporaryDirectory() as played, tempfile.TemporaryDirectory() as replayed:
            try:
                found = asyncio.run(mismatches(script, f"sqlite:///{played}/test.db", f"sqlite:///{replayed}/test.db"))
            except AssertionError as error:  # tables that contradict each other are not even read
                found = [str(error)]
        if found:
            print(f"seed {seed}", FOUND, *found, sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
