"""Stories of somebody who asks why: for each status, at a past moment, and on behalf of the customer."""

from __future__ import annotations

from typing import Any

import pytest

from infra.chassis.clock import from_datetime, to_rfc3339
from infra.chassis.words import spoken_moment
from tests.support.platform import Platform
from tests.support.stories import ago, shop_journey, unique
from tests.system.test_customer_tokens import ask, mint

Json = dict[str, Any]
EXPLAIN = "explain { text rule modelVersion events { name messageId } }"
WHY = """query ($user: String!, $asOf: DateTime) {
    customer(identifier: {type: "user_id", value: $user}, asOf: $asOf) {
        instances { edges { node { run status dueAt endedAt EXPLAIN } } } } }""".replace("EXPLAIN", EXPLAIN)
ME = "{ me { instances { edges { node { status EXPLAIN } } } } }".replace("EXPLAIN", EXPLAIN.replace(" rule ", " "))

STATUSES = {
    "ACTIVE": ["Product Viewed"],
    "PAUSED": ["Product Viewed", "Checkout Paused"],
    "COMPLETED": ["Product Viewed", "Order Completed"],
    "CANCELLED": ["Product Viewed", "Order Cancelled"],
    "RETURNED": ["Order Completed", "Order Returned"],
    "ABANDONED": ["Product Viewed", "Payment Failed"],
}
RULES = {
    "PAUSED": ("pausedWhen", "Checkout Paused"),
    "COMPLETED": ("goal", "Order Completed"),
    "CANCELLED": ("cancelledWhen", "Order Cancelled"),
    "RETURNED": ("returnedWhen", "Order Returned"),
}


class Shop:
    """A journey of its own, and customers who send events long ago and just now."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.prefix = platform, unique("x")
        self.rules = {field: self.rule(name) for field, name in RULES.values()}
        reasons = [{"reason": "PAYMENT_OPTIONS", "when": self.rule("Payment Failed")}]
        more = {"scope": self.rule("Payment Failed"), "dropOffReasons": reasons}
        platform.publish(shop_journey(unique("shop"), self.prefix, **self.rules, **more))

    def rule(self, name: str) -> str:
        return f'name == "{self.prefix}{name}"'

    def live(self, user: str, names: list[str], hours_ago: float) -> list[int]:
        """One event an hour; their moments."""
        moments = [ago(hours=hours_ago - number) for number in range(len(names))]
        for name, moment in zip(names, moments, strict=True):
            event = {"userId": user, "event": self.prefix + name, "messageId": f"{user} {name}"}
            self.platform.send("/v1/track", event | {"timestamp": moment.isoformat(timespec="milliseconds")})
        self.platform.settle()
        return [from_datetime(moment) // 1_000 * 1_000 for moment in moments]

    def why(self, user: str, as_of: str | None = None) -> list[Json]:
        """The customer's instances, newest start first."""
        found = self.platform.graphql(WHY, user=user, asOf=as_of)["customer"]["instances"]["edges"]
        return [edge["node"] for edge in found]


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return Shop(platform)


def texts(instance: Json) -> str:
    return " ".join(one["text"] for one in instance["explain"])


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_explained_by_what_decided_it(shop: Shop, status: str) -> None:
    user = unique("user")
    shop.live(user, STATUSES[status], hours_ago=20 * 24 if status == "ABANDONED" else 5)
    [instance] = shop.why(user)
    assert instance["status"] == status
    because = next(one for one in instance["explain"] if f"It is {status}" in one["text"])
    assert because["modelVersion"] == 1
    if status in RULES:
        field, name = RULES[status]
        assert because["rule"] == shop.rules[field]
        assert because["events"] == [{"name": shop.prefix + name, "messageId": f"{user} {name}"}]


def test_silence_and_the_drop_off_are_told_with_their_evidence(shop: Shop) -> None:
    user = unique("user")
    _viewed, failed = shop.live(user, STATUSES["ABANDONED"], hours_ago=20 * 24)
    week = 7 * 86_400_000_000
    [instance] = shop.why(user)
    assert instance["endedAt"] == to_rfc3339(failed + week)
    silence, reason = instance["explain"][-2:]
    event = f'"{shop.prefix}Payment Failed" on {spoken_moment(failed)}'
    evidence = [{"name": f"{shop.prefix}Payment Failed", "messageId": f"{user} Payment Failed"}]
    assert (silence["text"], silence["rule"], silence["events"]) == (
        f"It is ABANDONED since {spoken_moment(failed + week)}, because it took no event for 7 days after its last "
        f"event, {event}: the patience of the journey.",
        None,
        evidence,
    )
    assert (reason["text"], reason["rule"], reason["events"]) == (
        f"The reason is PAYMENT_OPTIONS, because {event} is its latest event that a drop-off rule matches.",
        shop.rule("Payment Failed"),
        evidence,
    )


def test_a_second_run_and_the_condition_that_is_missing(shop: Shop) -> None:
    user = unique("user")
    [_viewed, ordered] = shop.live(user, STATUSES["COMPLETED"], hours_ago=20 * 24)
    shop.live(user, ["Checkout Started"], hours_ago=3)
    [second, first] = shop.why(user)
    assert (second["run"], first["run"]) == (2, 1)
    closed = spoken_moment(ordered + 7 * 86_400_000_000)
    assert f"It is a run of its own, because run 1 was COMPLETED, and closed by silence on {closed}." in texts(second)
    [missing] = [one for one in second["explain"] if one["rule"] == shop.rules["goal"]]
    assert (missing["text"], missing["events"]) == ("It is ACTIVE: none of its events has met the goal yet.", [])


def test_a_past_moment_is_explained_by_what_had_happened_by_then(shop: Shop) -> None:
    user = unique("user")
    viewed, _ordered = shop.live(user, STATUSES["COMPLETED"], hours_ago=30)
    [now] = shop.why(user)
    [then] = shop.why(user, to_rfc3339(viewed + 1_000_000))
    assert "It is COMPLETED" in texts(now)
    assert f"{shop.prefix}Order Completed" not in texts(then)
    assert then["explain"][-2]["text"] == "It is ACTIVE: none of its events has met the goal yet."
    assert f"it is ABANDONED on {spoken_moment(viewed + 7 * 86_400_000_000)}" in texts(then)
    assert shop.why(user, to_rfc3339(from_datetime(ago(seconds=0)))) == [now]


def test_a_customer_is_told_why_by_what_may_be_told_to_them(shop: Shop) -> None:
    user = unique("user")
    event = {"messageId": unique("m"), "name": f"{shop.prefix}Product Viewed"}
    named = [{"type": "user_id", "value": user}]
    record = "mutation ($events: [EventInput!]!) { recordEvents(events: $events, wait: true) { accepted } }"
    shop.platform.graphql(record, events=[event | {"identifiers": named}])
    # Somebody with the website's key claims that they have bought
    claim = {"userId": user, "anonymousId": unique("anon"), "event": f"{shop.prefix}Order Completed"}
    shop.platform.send("/v1/track", claim)
    shop.platform.settle()
    [believed] = shop.why(user)
    [told] = ask(shop.platform, mint(shop.platform, "user_id", user), ME)["me"]["instances"]["edges"]
    assert (believed["status"], told["node"]["status"]) == ("COMPLETED", "ACTIVE")
    assert f"{shop.prefix}Order Completed" not in texts(told["node"])
    assert "It is ACTIVE: none of its events has met the goal yet." in texts(told["node"])
    assert {one["messageId"] for why in told["node"]["explain"] for one in why["events"]} == {event["messageId"]}
