"""Logs never hold what customers sent, not even inside a failure."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.chassis.database import Database
from infra.chassis.errors import Unavailable
from infra.chassis.telemetry import JsonFormatter, named


def formatted(error: BaseException) -> str:
    record = logging.LogRecord(
        "infra.room", logging.ERROR, __file__, 1, "it failed", None, (type(error), error, error.__traceback__)
    )
    return JsonFormatter().format(record)


async def test_a_failing_statement_does_not_show_its_parameters(database_url: str) -> None:
    database = Database(database_url)
    try:
        async with database.write() as connection:
            await connection.execute(
                text("SELECT CAST(:email AS no_such_type), no_such_column"), {"email": "ada@example.com"}
            )
    except (DBAPIError, Unavailable) as error:
        line = formatted(error)
    await database.close()
    assert "ada@example.com" not in line
    assert json.loads(line)["message"] == "it failed"


def test_a_failure_shows_its_class_its_causes_and_where_it_came_through() -> None:
    try:
        try:
            int("ada@example.com")
        except ValueError as cause:
            raise RuntimeError("about ada@example.com") from cause
    except RuntimeError as error:
        line = json.loads(formatted(error))
    assert (line["error"], line["causes"]) == ("RuntimeError", ["ValueError"])
    assert "test_telemetry.py" in line["frames"][0]
    assert "ada@example.com" not in json.dumps(line)


async def test_a_database_error_shows_its_code(postgresql_url: str, tmp_path: Path) -> None:
    (tmp_path / "log.db").mkdir()
    told = []
    for url in (f"sqlite:///{tmp_path}/log.db", postgresql_url):
        database = Database(url)
        try:
            async with database.read() as connection:
                await connection.execute(text("SELECT 1 / 0"))
        except (DBAPIError, Unavailable) as error:
            told.append(str(named(error)["causes"]))
        await database.close()

    assert "OperationalError (SQLITE_CANTOPEN)" in told[0]
    assert "DivisionByZeroError (22012)" in told[1]
