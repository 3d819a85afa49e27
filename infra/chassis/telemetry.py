"""Logs as one JSON object a line. Personal data never goes in: log ids, counts and codes, not values.

Of an exception only its class and the places it came through are written. Its message may quote what a customer sent:
SQLAlchemy adds the parameters, PostgreSQL the values, ValueError the text.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator

from infra.chassis.clock import to_rfc3339

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Writes level, logger, message and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": to_rfc3339(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line |= _failure(record.exc_info[1])
        return json.dumps(line, default=str, ensure_ascii=False)


def _failure(error: BaseException | None) -> dict[str, object]:
    if error is None:
        return {}
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return {**named(error), "frames": frames}


def named(error: BaseException) -> dict[str, object]:
    """The classes of an error and of what caused it, with the codes of databases: nothing that anybody has sent."""
    return {"error": _kind(error), "causes": [_kind(cause) for cause in _causes(error)]}


def _kind(error: BaseException) -> str:
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    return f"{type(error).__qualname__} ({code})" if code else type(error).__qualname__


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def configure_logging(level: str = "INFO") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
