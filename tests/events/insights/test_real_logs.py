"""The flow of the municipality log against the directly-follows graph that pm4py discovers in it.

pm4py is AGPL and comes with the full profile alone (decision record 13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.oracle import insights as oracle
from tests.oracle.journey import instant, place
from tests.support.receipt import needs_the_log, published_receipt_journey, receipt_histories

Json = dict[str, Any]
Flow = dict[tuple[str, str], int]

pytestmark = [pytest.mark.real_data, needs_the_log, pytest.mark.full]

NOW = instant("2030-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def histories() -> dict[str, list[Json]]:
    return receipt_histories()


def test_a_case_that_is_one_run_flows_as_the_log_does(histories: dict[str, list[Json]]) -> None:
    journey = one_run_journey()
    keys = touchpoint_keys(journey)
    log = {
        case: [(keys[event["name"]], event["occurredAt"]) for event in sorted(history, key=place)]
        for case, history in histories.items()
    }
    expected = directly_follows(log, ["END:ABANDONED"] * len(log))

    assert oracle.insights([journey], oracle.walks([journey], histories, NOW))["flow"] == expected
    assert (len(expected), sum(expected.values())) == (114, 10_011)


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


def directly_follows(log: Mapping[str, Sequence[tuple[str, int]]], ends: Sequence[str | None]) -> Flow:
    """What pm4py counts in a log of (activity, microseconds) by case, START and the cases' ends included.

    Each case ends in one of `ends`; None is a case that still goes on. Rows are given in the contract's order, since
    pm4py keeps the order of rows that share a time.
    """
    import pandas  # type: ignore[import-untyped]
    import pm4py  # type: ignore[import-untyped]

    rows = [(case, activity, at) for case, trace in log.items() for activity, at in trace]
    frame = pandas.DataFrame(rows, columns=["case:concept:name", "concept:name", "time:timestamp"])
    frame["time:timestamp"] = pandas.to_datetime(frame["time:timestamp"], unit="us", utc=True)
    follows, starts, _last = pm4py.discover_dfg(frame)
    flow = Counter[tuple[str, str]](follows)
    flow.update({("START", activity): count for activity, count in starts.items()})
    for end in {*ends} - {None}:
        ended = [case for case, its_end in zip(log, ends, strict=True) if its_end == end]
        last = pm4py.get_end_activities(frame[frame["case:concept:name"].isin(ended)])
        flow.update({(activity, end): count for activity, count in last.items()})
    return dict(flow)
