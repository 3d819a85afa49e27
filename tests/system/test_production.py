"""In production a process that would not be safe does not start, and says everything that is to be set at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.platform import COMMAND, one_process

GOOD_KEY = "Zm9yIHRlc3RzIGFuZCBub3RoaW5nIGVsc2UsIHRydWx5"
NO_SERVER = (
    "a process of its own needs postgresql://user@host/database; without a server, run everything in one process with"
    " `klantreis up`"
)
GUESSED = "anybody could guess this; set another, such as `openssl rand -base64 32` makes"
NO_KEY = "set a secret of at least 32 characters, such as `openssl rand -base64 32` makes"


def refusals(*command: str, **settings: str) -> list[str]:
    finished = subprocess.run(
        [str(COMMAND), *command],
        env=os.environ | {"PORT": "0", "KLANTREIS_ENVIRONMENT": "production"} | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (finished.returncode, finished.stdout) == (os.EX_CONFIG, "")
    return sorted(finished.stderr.splitlines())


def test_everything_in_one_process(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "credentials.json").touch(0o644)
    unsafe = {
        "KLANTREIS_DATA": str(tmp_path),
        "KLANTREIS_ALLOWED_ORIGINS": "*",
        "KLANTREIS_PUBLIC_URL": "http://events.shop.example",
        "KLANTREIS_METRICS_TOKEN": "short",
    }
    assert refusals("up", **unsafe) == [
        "KLANTREIS_ALLOWED_ORIGINS: every page of the world could ask: name the origins of yours, such as"
        " https://www.shop.example",
        f"KLANTREIS_DATA: everybody on this machine may look into {tmp_path}: chmod o= {tmp_path}",
        "KLANTREIS_METRICS_TOKEN: set a secret of at least 16 characters, such as `openssl rand -base64 32` makes",
        "KLANTREIS_PUBLIC_URL: keys and what customers do would travel for all to read: put TLS in front and give"
        " https://...",
        f"KLANTREIS_SIGNING_KEY: {NO_KEY}",
    ]


def test_keys_that_others_may_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    credentials = tmp_path / "credentials.json"
    credentials.touch()
    credentials.chmod(0o604)
    said = refusals("up", KLANTREIS_DATA=str(tmp_path), KLANTREIS_SIGNING_KEY=GOOD_KEY)
    assert said == [f"KLANTREIS_DATA: everybody on this machine may look into {credentials}: chmod o= {credentials}"]


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (("serve", "personas"), {"PERSONAS_DATABASE_URL": NO_SERVER}),
        (("serve", "journeys"), {"JOURNEYS_DATABASE_URL": NO_SERVER}),
        (("serve", "events"), {"EVENTS_DATABASE_URL": NO_SERVER}),
        (("project",), {"EVENTS_DATABASE_URL": NO_SERVER}),
        (("serve", "gateway"), dict.fromkeys(("PERSONAS_URL", "JOURNEYS_URL", "EVENTS_URL"), "Field required")),
    ],
)
def test_processes_of_their_own(tmp_path: Path, command: tuple[str, ...], needed: dict[str, str]) -> None:
    weak = {"KLANTREIS_SIGNING_KEY": "secret!" * 5, "KLANTREIS_METRICS_TOKEN": "prometheus" * 2}
    expected = [f"KLANTREIS_{name}: {what}" for name, what in needed.items()] + [f"{name}: {GUESSED}" for name in weak]
    said = refusals(*command, KLANTREIS_DATA=str(tmp_path / "data"), **weak)
    assert said == sorted(expected)


def test_what_is_safe_starts_and_keeps_its_keys_to_itself(tmp_path: Path) -> None:
    settings = {"KLANTREIS_ENVIRONMENT": "production", "KLANTREIS_SIGNING_KEY": GOOD_KEY}
    with one_process(tmp_path, **settings) as platform:
        assert platform.send("/v1/track", {"userId": "anna", "event": "Looked"}).status_code == 200
        assert platform.client.get(f"{platform.intake_url}/metrics").status_code == 403
        said = platform.processes["up"].log.read_text()
    assert [key for key in platform.credentials.values() if key != "default" and key in said] == []
    assert {path.stat().st_mode & 0o077 for path in (platform.data, platform.data / "credentials.json")} == {0}
