"""Where the platform cannot start it ends with one sentence that says what to do, and without a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.platform import COMMAND


def complaint(command: str, data: Path) -> str:
    """All that it says outside the log; nothing of it is a traceback."""
    finished = subprocess.run(
        [str(COMMAND), command],
        env=os.environ | {"KLANTREIS_DATA": str(data), "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == os.EX_TEMPFAIL
    assert "Traceback" not in finished.stdout + finished.stderr
    lines = (finished.stdout + finished.stderr).splitlines()
    [said] = [line for line in lines if not line.startswith("{")]
    return said


@pytest.mark.parametrize("command", ["up", "migrate"])
def test_a_file_in_the_place_of_the_folder(tmp_path: Path, command: str) -> None:
    (tmp_path / "data").write_text("")
    assert complaint(command, tmp_path / "data") == (
        f"The folder for data cannot be used (File exists: {tmp_path / 'data'}). Set KLANTREIS_DATA, or the database"
        " URL that names it, to another."
    )


@pytest.mark.parametrize("command", ["up", "migrate"])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("personas.db", "put a copy from a backup in its place"),
        ("journeys.db", "put a copy from a backup in its place"),
        ("log.db", "put a copy from a backup in its place"),
        ("state.db", "delete it; the next start makes it again from the log"),
    ],
)
def test_a_damaged_database(tmp_path: Path, command: str, name: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(b"no database" * 1_000)
    assert complaint(command, tmp_path) == f"{name} is damaged or is not a database: stop klantreis and {remedy}."
