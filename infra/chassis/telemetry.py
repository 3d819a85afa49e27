"""Logs as one JSON object a line. Personal data never goes in: log ids, counts and codes, not values.

Of an exception only its class and the places it came through are written. Its message may quote what a customer sent:
SQLAlchemy adds the parameters, PostgreSQL the values, ValueError the text. For the same reason nothing that a library
says is repeated, only that it said something, and where: asyncio shows the exception of a lost task, a driver its
statement, a server what came over the wire.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType

from infra.chassis import request_ids
from infra.chassis.clock import to_rfc3339
from infra.chassis.metrics import LOG_LINES

_OURS = ("services", "gateway", "infra")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_log = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Writes level, logger, message, the id of the request, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": to_rfc3339(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.partition(".")[0] in _OURS:
            line["message"] = record.getMessage()
            line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        else:
            line["message"] = "a library says something here"
            line["place"] = f"{record.pathname}:{record.lineno} {record.funcName}"
        if (request_id := request_ids.current()) is not None:
            line["requestId"] = request_id
        if record.exc_info:
            line |= _failure(record.exc_info[1])
        return json.dumps(line, default=str, ensure_ascii=False)


class _Lines(logging.StreamHandler):  # type: ignore[type-arg]  # generic for type checkers alone
    def emit(self, record: logging.LogRecord) -> None:
        LOG_LINES.labels(record.levelname.lower()).inc()
        super().emit(record)


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
    """To stderr. `level` is for our own lines; of libraries, warnings and errors are told.

    What nobody caught is told in the same way, since Python itself would print its message.
    """
    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a line that cannot be written would be shown as it was meant
    sys.excepthook = _on_end
    threading.excepthook = lambda ended: _tell("a thread ended by a failure", ended.exc_value)
    sys.unraisablehook = lambda ignored: _tell("a failure could not be raised", ignored.exc_value)


def _on_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _tell("the process ended by a failure", error)


def _tell(message: str, error: BaseException | None) -> None:
    _log.critical(message, exc_info=error)
