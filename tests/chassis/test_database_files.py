"""A file that SQLite cannot use is told with its name and what an operator can do; nobody else can mend it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from infra.chassis.data_folder import FolderUnusable
from infra.chassis.database import Database
from infra.chassis.errors import Unavailable


async def why_not(database: Database) -> str:
    """No thread of the driver is left that would speak to a loop that is closed by then."""
    before = threading.active_count()
    with pytest.raises(Unavailable) as refused:
        async with database.read():
            pass
    await database.close()
    assert threading.active_count() == before
    return refused.value.message


async def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"no database" * 1_000)
    url = f"sqlite:///{tmp_path}/log.db"
    damaged = "log.db is damaged or is not a database: stop klantreis and "

    assert await why_not(Database(url)) == damaged + "put a copy from a backup in its place."
    assert await why_not(Database(url, remedy="delete it")) == damaged + "delete it."


async def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "log.db").mkdir()
    assert await why_not(Database(f"sqlite:///{tmp_path}/log.db")) == (
        "log.db cannot be read or written (SQLITE_CANTOPEN): see to its permissions and to the space on its disk."
    )


async def test_a_mistake_of_ours_stays_what_it_is(tmp_path: Path) -> None:
    """SQLite never heard of it: the driver refuses what it is given."""
    database = Database(f"sqlite:///{tmp_path}/log.db")
    with pytest.raises(DBAPIError, match="Error binding parameter 1"):
        async with database.read() as connection:
            await connection.exec_driver_sql("SELECT ?", ([],))
    await database.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable) as refused:
        Database(f"sqlite:///{tmp_path}/file/log.db")
    assert str(refused.value) == (
        f"The folder for data cannot be used (File exists: {tmp_path / 'file'}). Set KLANTREIS_DATA, or the database"
        " URL that names it, to another."
    )
