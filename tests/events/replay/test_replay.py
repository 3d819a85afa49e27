"""Every projection made again from the log says what the projector had made of it step by step, byte for byte."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.events.projector.any_order.play import Player, compared
from tests.events.projector.any_order.script import EVERYTHING, Script, scripts
from tests.events.projector.any_order.tables import contents, counters_and_sums, wrong_alarms
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.reality import Reality
from tests.support.replaying import replayed

_SLOW: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
_quick = settings(max_examples=2, derandomize=True, **_SLOW)


async def differences(script: Script, url: str) -> list[str]:
    """Between the tables after a script, and the same tables after a replay."""
    async with Reality(url) as reality:
        async with Player(reality, script) as player:
            await player.play()
        before = await contents(reality)
        await replayed(reality)
        after = await contents(reality)
        found = [one for name, rows in before.items() for one in compared(name, rows, after[name])]
        counters, sums = await counters_and_sums(reality)
        found += compared("counters", counters, sums)
        found += compared("alarms", await wrong_alarms(reality), [])
    return found


@_quick
@example(script=Script(seed=1, hot=300, turns=EVERYTHING))
@given(script=scripts(hot=st.just(250), most=18))
def test_a_replay_changes_no_byte_on_sqlite(tmp_path_factory: pytest.TempPathFactory, script: Script) -> None:
    assert asyncio.run(differences(script, f"sqlite:///{tmp_path_factory.mktemp('replay') / 'test.db'}")) == []


@_quick
@example(script=Script(seed=1, hot=300, turns=EVERYTHING))
@given(script=scripts(hot=st.just(250), most=18))
def test_a_replay_changes_no_byte_on_postgresql(postgresql: PostgresServer, script: Script) -> None:
    with fresh_postgresql(postgresql) as url:
        assert asyncio.run(differences(script, url)) == []
