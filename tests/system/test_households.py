"""Two journeys of real households, folded as they were recorded, against the oracle that counts from the events."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.oracle import insights as oracle
from tests.oracle.journey import instant
from tests.support.households import campaign_versions, household_histories, loyalty_versions, needs_the_households
from tests.support.reality import Reality

Json = dict[str, Any]

pytestmark = [pytest.mark.real_data, needs_the_households]

NOW = instant("2017-10-15T12:00:00Z")
JOURNEYS = {"coupon-campaign": campaign_versions(), "store-loyalty": loyalty_versions()}


@pytest.fixture(scope="module")
def histories() -> dict[str, list[Json]]:
    return household_histories(NOW)


async def test_a_year_of_households(database_url: str, histories: dict[str, list[Json]]) -> None:
    async with Reality(database_url) as reality:
        await _live_through(reality, [event for history in histories.values() for event in history])

        read = {customer["identifiers"][0][1]: customer["instances"] for customer in await reality.customers()}

    told = {key: oracle.walks(versions, histories, NOW) for key, versions in JOURNEYS.items()}
    assert read == {
        customer: [one.instance for key in sorted(told) for one in told[key] if one.customer == customer]
        for customer in histories
    }


async def _live_through(reality: Reality, events: list[Json]) -> None:
    """Events in an order of arrival that has nothing to do with their times, and a version published between them."""
    random.Random(10).shuffle(events)
    reality.now = NOW
    await reality.publish([versions[0] for versions in JOURNEYS.values()])
    await reality.record(events[: len(events) // 2])
    await reality.project()
    await reality.publish(JOURNEYS["store-loyalty"][1:])
    for start in range(len(events) // 2, len(events), 500):
        await reality.record(events[start : start + 500])
        await reality.project()
