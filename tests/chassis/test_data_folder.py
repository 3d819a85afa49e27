"""One process owns a data folder, and nobody else may look into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.chassis.data_folder import DataFolder, FolderUnusable


def test_a_folder_belongs_to_one_process_until_it_lets_go(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    first.acquire()
    with pytest.raises(FolderUnusable, match="Another klantreis"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data").probe()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable, match="KLANTREIS_DATA"):
        DataFolder(tmp_path / "file" / "data").acquire()
