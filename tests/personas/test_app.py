"""The composition root: what it opens, and what it leaves to others."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from infra.chassis.auth import ServiceTokens
from infra.chassis.database import Database
from services.personas.app import create_app
from services.personas.settings import ProcessSettings, Settings
from tests.personas.builders import persona
from tests.personas.conftest import KEY


async def test_without_more_settings_it_keeps_a_file_in_the_data_folder(tmp_path: Path) -> None:
    app = create_app(Settings(signing_key=KEY, data=tmp_path / "var"))
    headers = {"Authorization": f"Bearer {ServiceTokens(KEY).mint('personas', 'default')}"}
    transport = httpx.ASGITransport(app)
    for revision in (1, 2):  # started twice: what was saved is still there
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://p") as client,
        ):
            draft = await client.put("/internal/personas/commuter/draft", json=persona(), headers=headers)
            assert draft.json()["persona"]["revision"] == revision
            published = await client.post("/internal/personas/commuter/publish", headers=headers)
            assert (published.json()["persona"]["version"], published.json()["pending"]) == (revision, True)
    assert (tmp_path / "var" / "personas.db").is_file()


async def test_a_database_that_was_given_stays_open(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    app = create_app(Settings(signing_key=KEY), database=database)
    async with app.router.lifespan_context(app):
        pass
    async with database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM personas_drafts")).scalar_one() == 0
    await database.close()


@pytest.mark.parametrize("settings", [{}, {"signing_key": "short"}, {"signing_key": KEY, "environment": "production"}])
def test_a_process_of_its_own_refuses_unsafe_settings(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KLANTREIS_SIGNING_KEY", raising=False)
    with pytest.raises(ValidationError):
        ProcessSettings(**settings)  # type: ignore[arg-type]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLANTREIS_SIGNING_KEY", KEY)
    monkeypatch.setenv("KLANTREIS_DATA", "elsewhere")
    assert Settings().database_url == "sqlite:///elsewhere/personas.db"
    assert KEY not in repr(Settings())
    monkeypatch.setenv("KLANTREIS_PERSONAS_DATABASE_URL", "postgresql://host/personas")
    monkeypatch.setenv("KLANTREIS_ENVIRONMENT", "production")
    assert ProcessSettings().database_url == "postgresql://host/personas"
