"""Every worked example of the contract's journey semantics, read by the oracle and by the product's fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import identity, journey
from tests.support.histories import DAY, EPOCH, plain_event, product_fold

Json = dict[str, Any]
Fold = Callable[[list[Json], list[Json], int], list[Json]]

BOOK: Json = json.loads((Path(__file__).parents[2] / "data" / "worked_examples.json").read_text())
EXAMPLES: dict[str, Json] = {example["id"]: example for example in BOOK["examples"]}

both_readings = pytest.mark.parametrize("fold", [journey.fold, product_fold], ids=["oracle", "product"])


@both_readings
@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if "instances" in example])
def test_worked_example(name: str, fold: Fold) -> None:
    example = EXAMPLES[name]

    found = fold(versions_of(example), events_of(example), moment(example["now"]))

    assert found == [timed(instance) for instance in example["instances"]]


@both_readings
@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if "customers" in example])
def test_worked_example_of_identity(name: str, fold: Fold) -> None:
    """The customers are the identity oracle's; each is folded on its own."""
    example = EXAMPLES[name]
    events = events_of(example)

    customers = identity.customers(events, retracted=frozenset(example.get("retracted", ())))

    assert [(c["identifiers"], c["events"]) for c in customers] == [
        (c["identifiers"], c["events"]) for c in example["customers"]
    ]
    for customer, expected in zip(customers, example["customers"], strict=True):
        own = [event for event in events if event["messageId"] in customer["events"]]
        found = fold(versions_of(example), own, moment(example["now"]))
        assert found == [timed(instance) for instance in expected["instances"]]


@both_readings
def test_a_late_event_moves_the_start_of_a_run_into_an_earlier_run(fold: Fold) -> None:
    """Example 5: the id of the run that is gone resolves to the instance that took its first event."""
    before, after = (
        fold(versions_of(example), events_of(example), moment(example["now"]))
        for example in (EXAMPLES["5-before"], EXAMPLES["5-after"])
    )

    first_of_run_2 = before[1]["steps"][0][0]

    assert [i["run"] for i in after if first_of_run_2 in [step[0] for step in i["steps"]]] == [1]


def versions_of(example: Json) -> list[Json]:
    """The published journeys of an example: the map, what the example changes, what each version changes."""
    base = BOOK["map"] | example.get("with", {})
    versions = example.get("versions", [{"version": 1, "publishedAt": -30, "effectiveFrom": None}])
    return [
        base
        | version.get("with", {})
        | {
            "version": version["version"],
            "publishedAt": rfc3339(version["publishedAt"]),
            "effectiveFrom": None if version["effectiveFrom"] is None else rfc3339(version["effectiveFrom"]),
        }
        for version in versions
    ]


def events_of(example: Json) -> list[Json]:
    return [
        plain_event(
            told["id"],
            told["name"],
            moment(told["day"]),
            kind=told.get("kind", "track"),
            properties={"order_id": told["orderId"]} if "orderId" in told else {},
            identifiers=told.get("identifiers", [["user_id", "u"]]),
            verified=True,
        )
        for told in example["history"]
    ]


def timed(instance: Json) -> Json:
    """An expected instance with its days as moments."""
    times = ("startedAt", "lastEventAt", "endedAt", "dueAt")
    dropped = instance["dropOff"]
    return (
        instance
        | {name: None if instance[name] is None else moment(instance[name]) for name in times}
        | {"dropOff": None if dropped is None else dropped | {"at": moment(dropped["at"])}}
    )


def moment(day: int) -> int:
    return EPOCH + day * DAY


def rfc3339(day: int) -> str:
    return (datetime.fromtimestamp(EPOCH / 1_000_000, UTC) + timedelta(days=day)).isoformat()
