"""Plays scripts against the product that is found first: exits with 1 as soon as something is not as it must be.

Run with `python -m tests.mutants.trial FOLDER SCRIPT SEED...` where the product's packages lie in the folder.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import services.events
from tests.events.projector.any_order.play import mismatches
from tests.events.projector.any_order.script import everything, stragglers

FOUND = "not as it must be:"
SCRIPTS = {"everything": everything, "stragglers": stragglers}


def main(folder: str, script: str, *seeds: str) -> int:
    assert Path(services.events.__file__).is_relative_to(folder), "another product was found"
    logging.disable()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as played, tempfile.TemporaryDirectory() as replayed:
            try:
                urls = f"sqlite:///{played}/test.db", f"sqlite:///{replayed}/test.db"
                found = asyncio.run(mismatches(SCRIPTS[script](int(seed)), *urls))
            except AssertionError as error:  # tables that contradict each other are not even read
                found = [str(error)]
        if found:
            print(f"{script} {seed}", FOUND, *found, sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
