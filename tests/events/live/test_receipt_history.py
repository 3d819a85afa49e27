"""The fold on real behaviour: 1,434 permit requests at three moments of their history, against the oracle."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.oracle import journey
from tests.support.histories import product_reader
from tests.support.receipt import needs_the_log, published_receipt_journey, receipt_histories

Json = dict[str, Any]

pytestmark = [pytest.mark.real_data, needs_the_log]

# (customers seen so far, instances by status, drop-offs by reason) at each moment
RECORDED: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "2010-12-15T12:00:00Z": (
        169,
        {"ABANDONED": 15, "ACTIVE": 22, "COMPLETED": 138, "PAUSED": 1},
        {"UNCLEAR_INFORMATION": 1, "UNKNOWN": 14},
    ),
    "2011-06-15T12:00:00Z": (
        793,
        {"ABANDONED": 91, "ACTIVE": 9, "COMPLETED": 723},
        {"DELIVERY_TIME": 1, "OTHER": 7, "UNCLEAR_INFORMATION": 3, "UNKNOWN": 80},
    ),
    "2012-01-05T06:00:00Z": (
        1382,
        {"ABANDONED": 185, "ACTIVE": 2, "COMPLETED": 1247, "PAUSED": 1},
        {"DELIVERY_TIME": 1, "OTHER": 21, "UNCLEAR_INFORMATION": 7, "UNKNOWN": 156},
    ),
}


@pytest.fixture(scope="module")
def histories() -> dict[str, list[Json]]:
    return receipt_histories()


def test_the_log_is_the_one_the_map_was_made_for(histories: dict[str, list[Json]]) -> None:
    recognised = [
        touchpoint["recognisedBy"]
        for phase in published_receipt_journey()["phases"]
        for touchpoint in phase["touchpoints"]
    ]
    names = {event["name"] for history in histories.values() for event in history}

    assert (len(histories), sum(map(len, histories.values())), len(names)) == (1434, 8577, 27)
    assert sorted(recognised) == sorted(f'name == "{name}"' for name in names)


@pytest.mark.parametrize("moment", RECORDED)
def test_the_fold_equals_the_oracle_for_every_customer(moment: str, histories: dict[str, list[Json]]) -> None:
    versions, now = [published_receipt_journey()], journey.instant(moment)
    product = product_reader(versions)
    customers, statuses, reasons = 0, Counter[str](), Counter[str]()

    for customer, history in histories.items():
        known = [event for event in history if event["occurredAt"] <= now]
        expected = journey.fold(versions, known, now)
        assert product(known, now) == expected, customer
        customers += bool(known)
        statuses.update(instance["status"] for instance in expected)
        reasons.update(instance["dropOff"]["reason"] for instance in expected if instance["dropOff"])

    assert (customers, dict(statuses), dict(reasons)) == RECORDED[moment]
