"""`klantreis import` against the same events as single calls: all are on disk when it ends; nothing is projected."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from io import StringIO
from pathlib import Path

from rich.console import Console

from infra.local.addresses import Address
from infra.local.history import told
from infra.local.history.importing import Order, send
from tests.benchmarks.load import encode_requests, send_all
from tests.benchmarks.measuring import Bench, Figure, at_least, figure, interleaved
from tests.benchmarks.servers import EventsServer, events_server
from tests.benchmarks.workload import Call, sessions

TITLE = "Importing history, against single calls"
_CUSTOMERS = 5_000  # about ten events each
_SINGLE_CUSTOMERS = 200
_CONNECTIONS = 64
_TARGET = at_least(10)
"""Of calls one after the other, and, which is more than was asked, of calls over 64 connections that share commits."""


async def measure(bench: Bench) -> list[Figure]:
    url = bench.postgresql.create_database("imported")
    with events_server(bench.folder / "server", url) as server:
        sides: dict[str, Callable[[int], Awaitable[float]]] = {
            "JSON lines": partial(_import, bench.folder, server, "jsonl"),
            "CSV": partial(_import, bench.folder, server, "csv"),
            "single calls, 64 connections": partial(_single, server, _CONNECTIONS),
            "single calls, one after the other": partial(_single, server, 1),
        }
        rounds = await interleaved(bench, sides)
    figures = []
    for single in list(sides)[2:]:
        ratios = (one / other for one, other in zip(rounds["JSON lines"], rounds[single], strict=True))
        figures.append(figure(f"imported against {single}", "x", ratios, _TARGET))
    return figures + [figure(f"events/s, {name}", "1/s", results) for name, results in rounds.items()]


async def _import(folder: Path, server: EventsServer, format: str, number: int) -> float:
    calls = sessions(_CUSTOMERS, seed=1_000 * (number + 1) + len(format))
    path = folder / f"{number}.{format}"
    path.write_text(_lines(calls) if format == "jsonl" else _table(calls))
    key = json.loads((folder / "server" / "data" / "credentials.json").read_text())["adminKey"]
    order: Order = told.order(path, None, told.Told(), None)
    start = time.perf_counter()
    whole = await send(order, Address(server.address, key), folder, Console(quiet=True))
    seconds = time.perf_counter() - start
    if not whole:
        raise RuntimeError("not everything was accepted")
    return len(calls) / seconds


async def _single(server: EventsServer, connections: int, number: int) -> float:
    calls = sessions(_SINGLE_CUSTOMERS, seed=number * 2 + (connections > 1))
    requests = encode_requests(server.address, "/v1/track", server.write_key, [call.body for call in calls])
    sent = await send_all(server.address, requests, connections)
    return len(calls) / sent.seconds


def _lines(calls: Sequence[Call]) -> str:
    return "".join(call.body.decode() + "\n" for call in calls)


def _table(calls: Sequence[Call]) -> str:
    text = StringIO(newline="")
    write = csv.writer(text)
    write.writerow(["name", "identifiers.anonymous_id", "occurredAt", "messageId", "path", "price"])
    for call in calls:
        properties = json.loads(call.body)["properties"]
        moment = call.occurred_at.isoformat()
        write.writerow([call.name, call.customer, moment, call.message_id, properties["path"], properties["price"]])
    return text.getvalue()
