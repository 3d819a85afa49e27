"""Whatever comes late, twice or about whom: who follows what is published knows which instances there are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from services.events import tables
from tests.events.projector.test_projection import arrivals, unique_messages
from tests.support.databases import PostgresServer, fresh_postgresql
from tests.support.published import Subscriber
from tests.support.reality import Reality

Arrival = Any
_SLOW: dict[str, Any] = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
_in_question = arrivals().filter(lambda arrival: unique_messages(arrival[1]))


async def follow(url: str, arrival: Arrival) -> None:
    """Nothing begins that is there, nothing ends or is corrected that is not, and what is there at last is known."""
    journeys, events, sizes, now = arrival
    known: set[bytes] = set()
    async with Reality(url) as reality:
        reality.now = now
        await reality.publish(journeys)
        await reality.project()
        subscriber = Subscriber(reality)
        for size in [*sizes, len(events)]:
            batch, events = events[:size], events[size:]
            if batch:
                await reality.record(batch)
            await reality.project()
            for _place, change in await subscriber.changes():
                assert (change.previous_status is None) == (change.instance not in known)
                if change.status is None:
                    assert change.correction
                    known.remove(change.instance)
                else:
                    known.add(change.instance)
            assert known == {row.instance for row in await reality.rows(tables.instances)}


@settings(max_examples=10, **_SLOW)
@given(arrival=_in_question)
def test_followers_know_which_instances_there_are_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, arrival: Arrival
) -> None:
    asyncio.run(follow(f"sqlite:///{tmp_path_factory.mktemp('changes') / 'test.db'}", arrival))


@settings(max_examples=3, **_SLOW)
@given(arrival=_in_question)
def test_followers_know_which_instances_there_are_on_postgresql(postgresql: PostgresServer, arrival: Arrival) -> None:
    with fresh_postgresql(postgresql) as url:
        asyncio.run(follow(url, arrival))
