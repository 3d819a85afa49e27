"""The flow of the municipality log against the directly-follows graph that pm4py discovers in it.

pm4py is AGPL and comes with the full profile alone (decision record 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.chassis.database import chunked
from tests.oracle import insights as oracle
from tests.oracle.journey import instant, place
from tests.support.counted import counted, insights_of
from tests.support.reality import WORKSPACE, Reality
from tests.support.receipt import needs_the_log, published_receipt_journey, receipt_histories

Json = dict[str, Any]
Flow = dict[tuple[str, str], int]

pytestmark = [pytest.mark.real_data, needs_the_log, pytest.mark.full]

Log = dict[str, list[tuple[str, int]]]
"""Per case its touchpoints in the contract's order, each with its time."""

AT_LAST = instant("2030-01-01T00:00:00Z")
UNDER_WAY = instant("2012-01-05T06:00:00Z")


@pytest.fixture(scope="module")
def histories() -> dict[str, list[Json]]:
    return receipt_histories()


async def test_cases_that_are_one_run_each_flow_as_the_log_does(
    database_url: str, histories: dict[str, list[Json]]
) -> None:
    journey = one_run_journey()
    keys = touchpoint_keys(journey)
    log = {
        case: [(keys[event["name"]], event["occurredAt"]) for event in sorted(history, key=place)]
        for case, history in histories.items()
    }
    expected = directly_follows(log, dict.fromkeys(log, "END:ABANDONED"))

    assert await flow_of(database_url, journey, histories, AT_LAST) == expected
    assert oracle.insights([journey], oracle.walks([journey], histories, AT_LAST))["flow"] == expected
    assert (len(expected), sum(expected.values())) == (114, 10_011)


async def test_runs_flow_as_a_log_of_runs_does(database_url: str, histories: dict[str, list[Json]]) -> None:
    journey = published_receipt_journey()
    known = {
        case: so_far
        for case, history in histories.items()
        if (so_far := [event for event in history if event["occurredAt"] <= UNDER_WAY])
    }
    walks = {f"{one.name}": one for one in oracle.walks([journey], known, UNDER_WAY)}
    log = {
        run: [(step["touchpoint"], step["at"]) for step in one.steps if step["touchpoint"] is not None]
        for run, one in walks.items()
    }
    ends = {run: f"END:{one.instance['status']}" for run, one in walks.items() if one.instance["endedAt"] is not None}
    expected = directly_follows(log, ends)

    assert await flow_of(database_url, journey, known, UNDER_WAY) == expected
    assert (len(log), len(ends)) == (1435, 1432)


async def flow_of(database_url: str, journey: Json, histories: dict[str, list[Json]], now: int) -> Flow:
    """The flow that the platform counts when these histories have been recorded."""
    async with Reality(database_url) as reality:
        reality.now = now
        await reality.publish([journey])
        for cases in chunked(list(histories), 100):
            await reality.record([sent(case, event) for case in cases for event in histories[case]])
        await reality.project()
        async with insights_of(reality.state, WORKSPACE) as insights:
            flow: Flow = counted(await insights.read(journey["key"]))["flow"]
            return flow


def sent(case: str, event: Json) -> Json:
    return event | {"identifiers": [["customer_id", case]], "verified": True}


def one_run_journey() -> Json:
    """The municipality's map without anything that ends or starts a run, so that each case is one."""
    journey = published_receipt_journey()
    more: Json = {"startsWhen": None, "goal": 'name == "never"', "pausedWhen": None, "patience": "P520W"}
    return journey | more | {"dropOffReasons": []}


def touchpoint_keys(journey: Json) -> dict[str, str]:
    """Touchpoints of the municipality's map by the one event name that each recognises."""
    return {
        touchpoint["recognisedBy"].split('"')[1]: touchpoint["key"]
        for phase in journey["phases"]
        for touchpoint in phase["touchpoints"]
    }


def directly_follows(log: Log, ends: Mapping[str, str]) -> Flow:
    """What pm4py counts in a log, START included, and as what the cases end; a case without an end still goes on.

    pm4py keeps the order of rows that share a time.
    """
    import pandas  # type: ignore[import-untyped]
    import pm4py  # type: ignore[import-untyped]

    rows = [(case, activity, at, ends.get(case)) for case, trace in log.items() for activity, at in trace]
    frame = pandas.DataFrame(rows, columns=["case:concept:name", "concept:name", "time:timestamp", "end"])
    frame["time:timestamp"] = pandas.to_datetime(frame["time:timestamp"], unit="us", utc=True)
    follows, starts, _last = pm4py.discover_dfg(frame)
    flow: Flow = dict(follows) | {("START", activity): count for activity, count in starts.items()}
    for end in set(ends.values()):
        last = pm4py.get_end_activities(frame[frame["end"] == end])
        flow |= {(activity, end): count for activity, count in last.items()}
    return flow
