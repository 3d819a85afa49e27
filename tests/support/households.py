"""The Complete Journey of `../shared/data/complete_journey`: what one household in ten saw and bought in a year.

Four kinds of events. *Basket Bought*: the sampled lines of one basket together, sent by the till of its store, so
stores are sources; times are taken as UTC. *Campaign Received*, *Coupon Redeemed* and *Offer Expired* (a campaign that
ended with none of its coupons redeemed) are sent by the campaign desk and know their day only: a start stands at the
first moment of its day, the others at the last second, so several redemptions of one day share a moment.
The data know no devices, and of channels only that a till stands in a shop; the map says that campaigns come by mail.
A campaign's type decides which coupons it holds, so it is the variant of what it starts.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.journey import instant
from tests.support.histories import plain_event

Json = dict[str, Any]

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "complete_journey"
MAPS = Path(__file__).parents[1] / "data"

needs_the_households = pytest.mark.skipif(
    not FOLDER.exists(), reason="the households of ../shared/data/complete_journey are absent"
)


def household_histories(until: int) -> dict[str, list[Json]]:
    """Per household the events up to and including a moment, in the order of the files."""
    histories: dict[str, list[Json]] = {}
    for event in (*_campaigns(), *_redemptions(), *_expiries(), *_baskets()):
        if event["occurredAt"] <= until:
            histories.setdefault(event["identifiers"][0][1], []).append(event)
    return histories


def campaign_journey() -> Json:
    """A campaign, keyed by its number: several overlap in one household, and a visit belongs to the latest touched.

    A basket without any discount pauses it: the coupons stay at home. A basket of small value at full price is seen,
    but is no touchpoint.
    """
    return _map("coupon_campaign_journey.json")


def loyalty_journey() -> Json:
    """Visits of growing size without a key; campaigns and coupons are met on the way, off the map."""
    return _map("store_loyalty_journey.json")


def campaign_versions() -> list[Json]:
    """The campaign's map, in force from the start."""
    return [campaign_journey() | {"version": 1, "effectiveFrom": None, "publishedAt": "2016-11-01T00:00:00Z"}]


def loyalty_versions() -> list[Json]:
    """The loyalty map, and from July on one that is less patient and has a phase for couponed baskets at its end."""
    first = loyalty_journey()
    coupons = {
        "key": "couponed-shop",
        "name": "A full basket with coupons",
        "recognisedBy": 'name == "Coupon Redeemed"',
    }
    second = first | {
        "phases": [*first["phases"], {"key": "reward", "name": "Rewarded", "touchpoints": [coupons]}],
        "startsWhen": 'name == "Basket Bought"',
        "patience": "P10D",
    }
    return [
        first | {"version": 1, "effectiveFrom": None, "publishedAt": "2016-11-01T00:00:00Z"},
        second | {"version": 2, "effectiveFrom": "2017-07-01T00:00:00Z", "publishedAt": "2016-11-01T00:00:01Z"},
    ]


def _map(file: str) -> Json:
    journey: Json = json.loads((MAPS / file).read_text())
    return journey


def _campaigns() -> Iterator[Json]:
    descriptions = _descriptions()
    for row in _rows("campaigns"):
        campaign = descriptions[row["campaign_id"]]
        kind = campaign["campaign_type"]
        yield _event(
            f"received-{row['campaign_id']}-{row['household_id']}",
            "Campaign Received",
            _first_moment(campaign["start_date"]),
            row["household_id"],
            "campaign-desk",
            context={"variant": kind},
            properties={"campaign_id": int(row["campaign_id"]), "campaign_type": kind, "ends_on": campaign["end_date"]},
        )


def _redemptions() -> Iterator[Json]:
    for row in _rows("coupon_redemptions"):
        yield _event(
            f"redeemed-{row['campaign_id']}-{row['household_id']}-{row['coupon_upc']}-{row['redemption_date']}",
            "Coupon Redeemed",
            _last_second(row["redemption_date"]),
            row["household_id"],
            "campaign-desk",
            channel="shop",
            properties={"campaign_id": int(row["campaign_id"]), "coupon": row["coupon_upc"]},
        )


def _expiries() -> Iterator[Json]:
    descriptions = _descriptions()
    redeemed = {(row["campaign_id"], row["household_id"]) for row in _rows("coupon_redemptions")}
    for row in _rows("campaigns"):
        if (row["campaign_id"], row["household_id"]) not in redeemed:
            yield _event(
                f"expired-{row['campaign_id']}-{row['household_id']}",
                "Offer Expired",
                _last_second(descriptions[row["campaign_id"]]["end_date"]),
                row["household_id"],
                "campaign-desk",
                properties={"campaign_id": int(row["campaign_id"])},
            )


def _baskets() -> Iterator[Json]:
    baskets: dict[str, list[dict[str, str]]] = {}
    for row in _rows("transactions_sample"):
        baskets.setdefault(row["basket_id"], []).append(row)
    for basket, lines in baskets.items():
        first = lines[0]
        yield _event(
            f"basket-{basket}",
            "Basket Bought",
            instant(f"{first['transaction_timestamp']}Z"),
            first["household_id"],
            f"store-{first['store_id']}",
            channel="shop",
            properties={
                "basket_id": int(basket),
                "lines": len(lines),
                "value": _total(lines, "sales_value"),
                "shelf_discount": _total(lines, "retail_disc"),
                "coupon_discount": _total(lines, "coupon_disc"),
            },
        )


def _event(message_id: str, name: str, at: int, household: str, source: str, **more: Any) -> Json:
    who = {"identifiers": [["customer_id", household]], "verified": True}
    return plain_event(message_id, name, at, source=source, **who, **more)


def _total(lines: list[dict[str, str]], column: str) -> float:
    return round(sum(float(line[column]) for line in lines), 2)


def _descriptions() -> dict[str, dict[str, str]]:
    return {row["campaign_id"]: row for row in _rows("campaign_descriptions")}


def _rows(table: str) -> Iterator[dict[str, str]]:
    with gzip.open(FOLDER / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _first_moment(day: str) -> int:
    return instant(f"{day}T00:00:00Z")


def _last_second(day: str) -> int:
    return instant(f"{day}T23:59:59Z")
