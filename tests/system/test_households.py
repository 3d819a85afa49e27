"""Two journeys of real households, folded as they were recorded, against the oracle that counts from the events."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.chassis.database import chunked
from tests.oracle import insights as oracle
from tests.oracle.journey import instant
from tests.support.counted import Insights, check_gaps, counted, insights_of, without_lists
from tests.support.households import campaign_versions, household_histories, loyalty_versions, needs_the_households
from tests.support.platform import Platform, until
from tests.support.reality import WORKSPACE, Reality

Json = dict[str, Any]

pytestmark = [pytest.mark.real_data, needs_the_households]

NOW = instant("2017-10-15T12:00:00Z")
JOURNEYS = {"coupon-campaign": campaign_versions(), "store-loyalty": loyalty_versions()}


@pytest.fixture(scope="module")
def histories() -> dict[str, list[Json]]:
    return household_histories(NOW)


SELECTIONS: list[tuple[str, Json, Json]] = [
    # answered by, period, filter
    ("counters", {}, {}),
    ("counters", {}, {"version": 1}),
    ("counters", {}, {"version": 2, "channel": "shop"}),
    ("counters", {}, {"channel": "mail"}),
    ("counters", {}, {"source": "store-367"}),
    ("counters", {}, {"variant": "Type A"}),
    ("counters", {}, {"device": "mobile"}),
    ("counters", {"from": "2017-03-01T00:00:00Z", "to": "2017-09-01T00:00:00Z"}, {}),
    ("counters", {"from": "2017-06-30T02:00:00+02:00"}, {"channel": "shop"}),
    ("instances", {"from": "2017-05-08T00:00:00Z", "to": "2017-07-01T15:30:00Z"}, {}),
    ("instances", {"to": "2017-07-01T15:30:00Z"}, {"version": 2}),
    ("instances", {}, {"channel": "mail", "variant": "Type B"}),
    ("instances", {}, {"channel": "shop", "source": "store-367", "version": 1}),
]


async def test_a_year_of_households(database_url: str, histories: dict[str, list[Json]]) -> None:
    told = {key: oracle.walks(versions, histories, NOW) for key, versions in JOURNEYS.items()}
    async with Reality(database_url) as reality:
        await _live_through(reality, [event for history in histories.values() for event in history])

        customers = await reality.customers()
        assert {customer["identifiers"][0][1]: customer["instances"] for customer in customers} == {
            customer: [one.instance for key in sorted(told) for one in told[key] if one.customer == customer]
            for customer in histories
        }
        households = {customer["id"].hex(): customer["identifiers"][0][1] for customer in customers}
        async with insights_of(reality.state, WORKSPACE) as insights:
            for key, walks in told.items():
                for answered_by, period, where in SELECTIONS:
                    found = await insights.read(key, period=period, where=where)
                    assert found["answeredBy"] == answered_by
                    await _compare(insights, found, key, walks, households, period, where)


async def _compare(
    insights: Insights,
    found: Json,
    key: str,
    walks: list[oracle.Walk],
    households: dict[str, str],
    period: Json,
    where: Json,
) -> None:
    """Every number exactly, every median gap closely, and behind each drop-off the instances that it counts."""
    bounds = (_moment(period, "from"), _moment(period, "to"))
    expected = oracle.insights(JOURNEYS[key], walks, bounds, where)
    assert counted(found) == without_lists(expected), (key, period, where)
    check_gaps(found, oracle.selected(walks, bounds, where))
    for drop_off in found["dropOffs"]:
        behind = await insights.behind(key, drop_off, period=period, where=where)
        names = sorted((households[instance["customerId"]], instance["run"]) for instance in behind)
        assert names == expected["dropOffs"][drop_off["phase"], drop_off["reason"], drop_off["device"]]


def _moment(period: Json, bound: str) -> int | None:
    return instant(period[bound]) if bound in period else None


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


INSIGHTS = """
query($key: String!, $period: PeriodInput, $where: InsightFilter) {
  journey(key: $key) { insights(period: $period, where: $where) {
    answeredBy instances
    byStatus { status count }
    funnel { phase reached continued dropped }
    flow { edges { from to count medianGap } }
    channel: hops(by: CHANNEL) { from to count }
    device: hops(by: DEVICE) { from to count }
    source: hops(by: SOURCE) { from to count }
    dropOffs { phase reason device count instances(first: 20) {
      totalCount edges { node { run customer { identifiers { value } } } }
    } }
  } }
}
"""
PUBLISH_SINCE = """
mutation($key: String!, $since: DateTime!) {
  publishJourney(key: $key, effectiveFrom: $since) { pending errors { code message } }
}
"""
SAVE = "mutation($input: JourneyInput!) { saveJourney(input: $input) { errors { code message path } } }"


@pytest.mark.full
def test_the_same_through_the_front_doors(platform: Platform) -> None:
    """Sent in batches, read over GraphQL years later, when all runs have ended; a version takes effect backwards."""
    histories = household_histories(instant("2018-12-31T00:00:00Z"))
    campaign, (first, second) = JOURNEYS["coupon-campaign"][0], JOURNEYS["store-loyalty"]
    platform.publish(_authored(campaign))
    platform.publish(_authored(first))
    _send(platform, [event for history in histories.values() for event in history])
    assert platform.graphql(SAVE, input=_authored(second))["saveJourney"] == {"errors": []}
    published = platform.graphql(PUBLISH_SINCE, key=second["key"], since=second["effectiveFrom"])
    assert published["publishJourney"] == {"pending": False, "errors": []}
    done = {"lag": 0, "rebuilding": False}
    until(lambda: platform.graphql("{ projection { lag rebuilding } }")["projection"] == done, 120, "all visible")

    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    as_sent = {household: [event | {"source": "api"} for event in told] for household, told in histories.items()}
    for key, versions in JOURNEYS.items():
        walks = oracle.walks(versions, as_sent, now)
        for _answered_by, period, where in SELECTIONS:
            found = platform.graphql(INSIGHTS, key=key, period=period, where=where)["journey"]["insights"]
            hops = {dimension: found.pop(dimension) for dimension in oracle.DIMENSIONS}
            bounds = (_moment(period, "from"), _moment(period, "to"))
            expected = oracle.insights(versions, walks, bounds, where)
            assert counted(found | {"hops": hops}) == without_lists(expected), (key, period, where)
            check_gaps(found, oracle.selected(walks, bounds, where))
            for drop_off in found["dropOffs"]:
                _check_page(drop_off, expected["dropOffs"][drop_off["phase"], drop_off["reason"], drop_off["device"]])


def _authored(version: Json) -> Json:
    """What an author writes of a published version."""
    return {name: value for name, value in version.items() if name not in ("version", "effectiveFrom", "publishedAt")}


def _send(platform: Platform, events: list[Json]) -> None:
    for batch in chunked(events, 1_000):
        calls = [
            {
                "type": "track",
                "userId": event["identifiers"][0][1],
                "messageId": event["messageId"],
                "event": event["name"],
                "timestamp": datetime.fromtimestamp(event["occurredAt"] / 1_000_000, UTC).isoformat(),
                "properties": event["properties"],
                "context": event["context"] | ({"channel": event["channel"]} if event["channel"] else {}),
            }
            for event in batch
        ]
        answer = platform.send("/v1/batch", {"batch": calls}, key=platform.credentials["adminKey"])
        assert answer.json()["results"] == []


def _check_page(drop_off: Json, expected: list[tuple[str, int]]) -> None:
    """The first page behind a drop-off: as many in all as were counted, and those on it are among them."""
    nodes = [edge["node"] for edge in drop_off["instances"]["edges"]]
    names = {(node["customer"]["identifiers"][0]["value"], node["run"]) for node in nodes}
    assert drop_off["instances"]["totalCount"] == len(expected)
    assert len(names) == min(len(expected), 20)
    assert names <= set(expected)
