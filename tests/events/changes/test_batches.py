"""Events in the order of the history publish the same, whether they are folded one by one or at once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.events.live.domain.changes import InstanceChange
from tests.oracle.journey import place
from tests.support import random_histories
from tests.support.published import Subscriber
from tests.support.random_histories import Case
from tests.support.reality import Reality

Json = dict[str, Any]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Case, list[int]]:
    """In order, with the places where they are cut into batches."""
    case = draw(random_histories.cases())
    events = [event | {"identifiers": [("user_id", "u")], "verified": True} for event in sorted(case.events, key=place)]
    cuts = draw(st.sets(st.integers(1, len(events)))) if events else set()
    return dataclasses.replace(case, events=events), sorted(cuts)


async def published(url: str, case: Case, cuts: Sequence[int]) -> list[InstanceChange]:
    """Each batch is folded at the time of its last event, and at last silence is told. Without the keys of runs, which
    are told as they were when a change was written."""
    async with Reality(url) as reality:
        subscriber = Subscriber(reality)
        await reality.publish(case.journeys)
        await reality.project()
        begun, changes = 0, []
        for cut in [*cuts, len(case.events)]:
            if batch := case.events[begun:cut]:
                reality.now = batch[-1]["occurredAt"]
                await reality.record(batch)
                await reality.project()
                changes += await subscriber.changes()
            begun = cut
        reality.now = max(case.now, reality.now)
        await reality.project()
        changes += await subscriber.changes()
    return [msgspec.structs.replace(one.change, key=None) for one in changes]


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_batches_do_not_matter_to_events_in_order(
    tmp_path_factory: pytest.TempPathFactory, history: tuple[Case, list[int]]
) -> None:
    case, cuts = history
    one_by_one, in_batches, at_once = (
        asyncio.run(published(f"sqlite:///{tmp_path_factory.mktemp('changes') / 'test.db'}", case, some))
        for some in (range(1, len(case.events)), cuts, [])
    )
    assert in_batches == one_by_one
    assert at_once == one_by_one
    assert not any(change.correction for change in at_once)
