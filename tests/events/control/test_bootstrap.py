"""The first start makes a workspace, two sources and their keys: once, readable by their owner, never replaced."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from infra.chassis.clock import system_clock
from infra.chassis.database import Database
from services.events.control.credentials import Credentials, CredentialsUnreadable, write_credentials
from services.events.control.domain import SCOPES, KeyKind, Principal, Source, Trust
from services.events.control.handlers import Bootstrapped, bootstrap
from services.events.control.keyring import KeyRing
from services.events.control.store import ControlStore
from services.events.log_tables import source_keys, workspaces

WEBSITE = Source("default", "website", "Website", "website", Trust.CLAIMED)
API = Source("default", "api", "API", "api", Trust.VERIFIED)


class CredentialsFile:
    """Where the keys are written, in a folder that does not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def content(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    @property
    def mode(self) -> int:
        return stat.S_IMODE(self.path.stat().st_mode)

    @property
    def neighbours(self) -> list[str]:
        return [path.name for path in self.path.parent.iterdir() if path != self.path]

    def put(self, content: bytes) -> None:
        self.path.parent.mkdir()
        self.path.write_bytes(content)

    def remove(self) -> None:
        self.path.unlink()


@pytest.fixture
def file(tmp_path: Path) -> CredentialsFile:
    return CredentialsFile(tmp_path / "new" / "credentials.json")


async def start(database: Database, file: CredentialsFile) -> Bootstrapped:
    return await bootstrap(database, file.path, system_clock)


async def opens(database: Database, key: str) -> Principal:
    return await KeyRing(ControlStore(database), system_clock).resolve(key)


async def stored(database: Database) -> tuple[int, int]:
    """How many workspaces and keys there are."""
    async with database.read() as connection:
        return len((await connection.execute(select(workspaces))).all()), len(
            (await connection.execute(select(source_keys))).all()
        )


async def test_a_first_start(database: Database, file: CredentialsFile) -> None:
    made = await start(database, file)
    assert made.credentials is not None
    assert made.notice is None
    keys = made.credentials
    assert json.loads(file.content or b"") == {
        "adminKey": keys.admin_key,
        "writeKey": keys.write_key,
        "workspace": "default",
    }
    assert file.mode == 0o600
    assert file.neighbours == []
    assert (keys.admin_key[:3], keys.write_key[:3]) == ("sk_", "wk_")
    assert min(len(keys.admin_key), len(keys.write_key)) == 35
    assert await ControlStore(database).sources("default") == [API, WEBSITE]
    assert await opens(database, keys.write_key) == Principal(
        "default", "website", None, False, KeyKind.WRITE, frozenset({"events:write"})
    )
    assert await opens(database, keys.admin_key) == Principal(
        "default", "api", None, True, KeyKind.SECRET, frozenset(SCOPES)
    )


async def test_no_key_is_stored_as_it_is(database: Database, file: CredentialsFile) -> None:
    keys = (await start(database, file)).credentials
    assert keys is not None
    async with database.read() as connection:
        rows = [row._asdict() for row in await connection.execute(select(source_keys))]
    for row in rows:
        for key in (keys.admin_key, keys.write_key):
            assert key not in repr(row)
            assert key.encode() not in row["digest"]
    assert sorted(row["prefix"] for row in rows) == sorted([keys.admin_key[:9], keys.write_key[:9]])


async def test_later_starts_change_nothing(database: Database, file: CredentialsFile) -> None:
    await start(database, file)
    before = file.content, await stored(database)
    assert await start(database, file) == Bootstrapped(None, None)
    assert (file.content, await stored(database)) == before == (before[0], (1, 2))


async def test_a_file_that_is_gone_is_told_and_not_replaced(database: Database, file: CredentialsFile) -> None:
    await start(database, file)
    file.remove()
    again = await start(database, file)
    assert again == Bootstrapped(None, f"{file.path} is gone; make new keys with `klantreis keys`.")
    assert file.content is None
    assert await stored(database) == (1, 2)


async def test_a_file_of_another_database_is_told(database: Database, file: CredentialsFile) -> None:
    await start(database, file)
    foreign = Credentials("sk_foreign", "wk_foreign", "default")
    file.remove()
    write_credentials(file.path, foreign)
    again = await start(database, file)
    assert again == Bootstrapped(None, f"{file.path} holds keys this database does not know.")


async def test_the_keys_of_a_file_are_taken_into_a_new_database(database: Database, file: CredentialsFile) -> None:
    """So a crash between writing the file and the commit, or a lost database, needs no new keys."""
    kept = Credentials("sk_kept", "wk_kept", "default")
    write_credentials(file.path, kept)
    assert await start(database, file) == Bootstrapped(kept, None)
    assert (await opens(database, "sk_kept")).source == "api"
    assert (await opens(database, "wk_kept")).source == "website"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"nonsense", b'{"adminKey":"a","writeKey":"w","workspace":"d","more":1}']
)
async def test_a_file_nobody_understands_is_left_alone(
    database: Database, file: CredentialsFile, content: bytes
) -> None:
    file.put(content)
    with pytest.raises(CredentialsUnreadable):
        await start(database, file)
    assert file.content == content
    assert await stored(database) == (0, 0)


async def test_a_folder_that_cannot_be_written_makes_no_keys(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CredentialsUnreadable):
        await start(database, CredentialsFile(tmp_path / "file" / "credentials.json"))
    assert await stored(database) == (0, 0)


def test_credentials_are_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    write_credentials(file, Credentials("sk_1", "wk_1", "default"))
    with pytest.raises(FileExistsError):
        write_credentials(file, Credentials("sk_2", "wk_2", "default"))
    assert "sk_1" in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


async def test_processes_that_start_together_make_one_workspace(database: Database, file: CredentialsFile) -> None:
    databases = [Database(database.url.render_as_string(hide_password=False)) for _ in range(4)]
    outcomes = await asyncio.gather(*(start(one, file) for one in databases))
    made = [outcome.credentials for outcome in outcomes if outcome.credentials]
    assert len(made) == 1
    assert json.loads(file.content or b"")["adminKey"] == made[0].admin_key
    assert [outcome.notice for outcome in outcomes] == [None] * 4
    assert await stored(database) == (1, 2)
    for one in databases:
        await one.close()
