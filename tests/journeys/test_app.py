"""The composition root: what it opens, and what it leaves to others."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from infra.chassis.auth import ServiceTokens
from infra.chassis.database import Database
from services.journeys.app import create_app
from services.journeys.settings import ProcessSettings, Settings
from tests.journeys.builders import journey
from tests.journeys.conftest import KEY


async def test_without_more_settings_it_keeps_a_file_in_the_data_folder(tmp_path: Path) -> None:
    app = create_app(Settings(signing_key=KEY, data=tmp_path / "var"))
    headers = {"Authorization": f"Bearer {ServiceTokens(KEY).mint('journeys', 'default')}"}
    transport = httpx.ASGITransport(app)
    for revision in (1, 2):  # started twice: what was saved is still there
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://j") as client,
        ):
            draft = await client.put("/internal/journeys/order/draft", json=journey(), headers=headers)
            assert draft.json()["journey"]["revision"] == revision
            published = await client.post("/internal/journeys/order/publish", json={}, headers=headers)
            assert published.json()["pending"] is True
    assert (tmp_path / "var" / "journeys.db").is_file()


async def test_a_database_that_was_given_stays_open(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    app = create_app(Settings(signing_key=KEY), database=database)
    async with app.router.lifespan_context(app):
        pass
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM journeys_drafts")).scalar_one() == 0
    await database.close()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"signing_key": "short"},
        {"signing_key": KEY, "environment": "production"},
    ],
)
def test_unsafe_settings_are_refused(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLANTREIS_SIGNING_KEY", raising=False)
    with pytest.raises(ValidationError):
        ProcessSettings(**settings)  # type: ignore[arg-type]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLANTREIS_SIGNING_KEY", KEY)
    monkeypatch.setenv("KLANTREIS_DATA", "elsewhere")
    assert Settings().database_url == "sqlite:///elsewhere/journeys.db"
    assert KEY not in repr(Settings())
    monkeypatch.setenv("KLANTREIS_JOURNEYS_DATABASE_URL", "postgresql://host/journeys")
    assert Settings().database_url == "postgresql://host/journeys"
