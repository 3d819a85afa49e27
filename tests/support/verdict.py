"""After the faults: does the platform hold exactly what was acknowledged, once, and mean by it what the oracles say?"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from infra.chassis.database import Database
from tests.support.load import Ledger, customers_of
from tests.support.stored import logged_messages, projected_customers, rejected_events

Json = dict[str, Any]


def verify(log_url: str, state_url: str, journey: Json, ledgers: Sequence[Ledger], *later: Json) -> str:
    """Fails unless acknowledged is a part of stored, stored a part of sent, and everything stored counted once.

    To be called when nothing is left to project. `later` are the versions that were published after the first. Gives
    what was seen, for people to read.
    """
    logged, customers, rejected = asyncio.run(_read(log_url, state_url))
    sent = {id: event for ledger in ledgers for id, event in ledger.sent.items()}
    acknowledged = {id for ledger in ledgers for id in ledger.acknowledged}
    stored = set(logged)
    assert [flaw for ledger in ledgers for flaw in ledger.improper] == []
    assert acknowledged - stored == set(), "acknowledged, but lost"
    assert stored - sent.keys() == set(), "never sent"
    assert rejected == 0
    times_applied = Counter(id for customer in customers for id in customer["events"])
    assert {id: times for id, times in times_applied.items() if times > 1} == {}, "applied more than once"
    assert stored - times_applied.keys() == set(), "in the log, but never applied"
    versions = [journey | {"version": 1, "effectiveFrom": None, "publishedAt": "2026-01-01T00:00:00Z"}, *later]
    _assert_same(customers, _expected(ledgers, stored, versions))
    answers = sum((ledger.answers for ledger in ledgers), Counter[str]())
    repeats = len(logged) - len(stored)
    told = f"{len(customers)} customers, {len(acknowledged)} of {len(sent)} events acknowledged"
    return f"{told}, {repeats} logged again, answers {dict(answers)}"


def _expected(ledgers: Sequence[Ledger], stored: set[str], versions: list[Json]) -> dict[str, Json]:
    now = time.time_ns() // 1_000
    found = [
        customer
        for ledger in ledgers  # no two clients have a customer in common
        for customer in customers_of(versions, [event for id, event in ledger.sent.items() if id in stored], now)
    ]
    return {customer["events"][0]: customer for customer in found}


def _assert_same(customers: Sequence[Json], expected: dict[str, Json]) -> None:
    """Customers are named by their first event; one difference is shown whole, thousands would hide it."""
    actual = {one["events"][0]: {name: value for name, value in one.items() if name != "id"} for one in customers}
    assert actual.keys() == expected.keys()
    different = sorted(first for first in expected if actual[first] != expected[first])
    if different:
        assert actual[different[0]] == expected[different[0]], f"{len(different)} customers differ"


async def _read(log_url: str, state_url: str) -> tuple[list[str], list[Json], int]:
    log, state = Database(log_url), Database(state_url)
    try:
        return await logged_messages(log), await projected_customers(state), await rejected_events(state)
    finally:
        await log.close()
        await state.close()
