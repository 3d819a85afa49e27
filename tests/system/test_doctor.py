"""`klantreis doctor` beside a platform that runs, and after somebody has altered what it had stored."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.support.platform import COMMAND, Platform, one_process
from tests.support.stories import customer_of, shop_journey

_WELL = "Everything is as the log says."
_ILL = "Something differs from what the log means. `klantreis replay` makes everything again."


def klantreis(platform: Platform, *arguments: str) -> tuple[int, list[str]]:
    """The exit status, and what was said."""
    environment = dict(platform.processes["up"].environment)
    command = [str(COMMAND), *arguments]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return finished.returncode, (finished.stdout + finished.stderr).splitlines()


def test_a_doctor_names_whom_something_is_wrong_with_and_a_replay_mends_it(tmp_path: Path) -> None:
    with one_process(tmp_path) as platform:
        platform.publish(shop_journey("shop"))
        for number in range(20):
            platform.send("/v1/track", {"userId": f"u{number % 5}", "event": "Product Viewed"})
        platform.settle()
        customer = customer_of(platform, "user_id", "u1")
        assert customer is not None
        status, said = klantreis(platform, "doctor", "--seed", "7")
        assert (status, said[-3:]) == (
            0,
            [
                "5 customers were folded anew (seed 7), all counters added up,",
                "and what sources sent was counted in the log.",
                _WELL,
            ],
        )

    with closing(sqlite3.connect(platform.data / "state.db")) as state:
        found = state.execute("SELECT hex(customer) FROM identifiers WHERE value = 'u1'").fetchone()
        state.execute("DELETE FROM steps WHERE hex(customer) = ? AND direction <> 'START'", found)
        state.commit()
    status, said = klantreis(platform, "doctor", "--all")
    assert (status, said[-1]) == (1, _ILL)
    assert f"customer {found[0].lower()}: steps" in said
    assert [line for line in said if line.startswith("counters of shop, version 1, ")] != []
    assert "u1" not in "".join(said)

    assert klantreis(platform, "replay")[0] == 0
    assert klantreis(platform, "doctor", "--all")[0] == 0


def test_a_doctor_without_a_patient_says_what_to_do(tmp_path: Path) -> None:
    environment = os.environ | {"KLANTREIS_DATA": str(tmp_path)}
    finished = subprocess.run([str(COMMAND), "doctor"], env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == os.EX_TEMPFAIL
    assert finished.stderr.startswith(f"There is no data in {tmp_path}: KLANTREIS_DATA names the folder")
