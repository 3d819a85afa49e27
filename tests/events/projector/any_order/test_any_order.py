"""The same events, heard of in any order and in any portions, through whatever happens to a process meanwhile.

Customers and instances are what the oracles say, the tables are those of one projection at the end, counters are sums.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.events.projector.any_order.play import mismatches
from tests.events.projector.any_order.script import Script, everything, scripts, stragglers
from tests.support.databases import PostgresServer, fresh_postgresql

_SLOW: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
_quick = settings(max_examples=1, derandomize=True, **_SLOW)
_one = settings(phases=[Phase.explicit], **_SLOW)
_full = settings(max_examples=8, **_SLOW)
_full_on_postgresql = settings(max_examples=4, **_SLOW)
_few_events = scripts(hot=st.just(300), most=18)
_many_events = scripts(hot=st.integers(300, 1_000), most=30)


def play_on_sqlite(folder: Path, script: Script) -> list[str]:
    played, replayed = folder / "played", folder / "replayed"
    for part in (played, replayed):
        part.mkdir()
    return asyncio.run(mismatches(script, f"sqlite:///{played / 'test.db'}", f"sqlite:///{replayed / 'test.db'}"))


def play_on_postgresql(server: PostgresServer, script: Script) -> list[str]:
    with fresh_postgresql(server) as played, fresh_postgresql(server) as replayed:
        return asyncio.run(mismatches(script, played, replayed))


@_quick
@example(script=everything(seed=1))
@given(script=_few_events)
def test_any_order_means_the_same_on_sqlite(tmp_path_factory: pytest.TempPathFactory, script: Script) -> None:
    assert play_on_sqlite(tmp_path_factory.mktemp("any-order"), script) == []


@_one
@example(script=everything(seed=1))
@given(script=_few_events)
def test_any_order_means_the_same_on_postgresql(postgresql: PostgresServer, script: Script) -> None:
    assert play_on_postgresql(postgresql, script) == []


@pytest.mark.full
@pytest.mark.timeout(900)
@_full
@example(script=stragglers(seed=1))
@given(script=_many_events)
def test_any_order_of_many_events_means_the_same_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, script: Script
) -> None:
    assert play_on_sqlite(tmp_path_factory.mktemp("any-order"), script) == []


@pytest.mark.full
@pytest.mark.timeout(900)
@_full_on_postgresql
@example(script=stragglers(seed=2))
@given(script=_many_events)
def test_any_order_of_many_events_means_the_same_on_postgresql(postgresql: PostgresServer, script: Script) -> None:
    assert play_on_postgresql(postgresql, script) == []
