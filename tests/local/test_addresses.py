"""Which key is told to whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local.addresses import Address, address
from infra.local.history.failures import KeyMissing

HERE = ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "http://127.1.2.3"]
ELSEWHERE = [
    "https://klantreis.example",
    "http://10.0.0.7:8000",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credentials.json").write_text(json.dumps({"adminKey": "sk_admin"}))
    return tmp_path


@pytest.mark.parametrize("url", HERE)
def test_this_machine_is_told_the_key_of_the_data_folder(folder: Path, url: str) -> None:
    assert address(url, None, folder) == Address(url, "sk_admin")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_others_are_told_the_key_that_was_given_and_no_other(folder: Path, url: str) -> None:
    assert address(url, "sk_theirs", folder) == Address(url, "sk_theirs")
    with pytest.raises(KeyMissing, match="is for platforms of this machine"):
        address(url, None, folder)


@pytest.mark.parametrize("held", ["", "{}", "[1]"])
def test_a_folder_without_a_key_says_so(folder: Path, held: str) -> None:
    (folder / "credentials.json").write_text(held)
    with pytest.raises(KeyMissing, match="there is none in"):
        address(HERE[0], None, folder)
