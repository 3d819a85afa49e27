"""What it costs the gateway to refuse a document that was made to keep it busy."""

from __future__ import annotations

import time
from functools import partial

from graphql import GraphQLSchema

from gateway.documents import Documents
from gateway.limits import Limits
from gateway.schema import create_schema
from infra.chassis.memory import settle
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved
from tests.support.hostile import HOSTILE

TITLE = "Refusing hostile documents, CPU time"
_TARGET_MS = 50.0
_SHOWN = 5


async def measure(bench: Bench) -> list[Figure]:
    schema = create_schema().core
    settle()  # as every process does once it has started
    rounds = await interleaved(bench, {name: partial(_refused, schema, name) for name in HOSTILE})
    slowest_first = sorted(rounds, key=lambda name: -sorted(rounds[name])[len(rounds[name]) // 2])
    return [
        figure(f"{place}. {name}", "ms", rounds[name], at_most(_TARGET_MS) if place == 1 else None)
        for place, name in enumerate(slowest_first[:_SHOWN], 1)
    ]


async def _refused(schema: GraphQLSchema, name: str, _number: int) -> float:
    """Milliseconds until it is refused, when it is seen for the first time."""
    documents = Documents(schema, Limits())
    started = time.thread_time()
    prepared = documents.prepare(HOSTILE[name].text)
    taken = time.thread_time() - started
    assert prepared.document is None
    return taken * 1_000
