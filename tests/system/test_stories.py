"""Customer stories, told through the front doors: Segment's SDK and HTTP in, GraphQL out."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform
from tests.support.stories import (
    ago,
    customer_of,
    instances_of,
    segment_client,
    shop_journey,
    steps_of,
    unique,
)

RECORD = """
mutation($events: [EventInput!]!, $wait: Boolean!) {
  recordEvents(events: $events, wait: $wait) {
    accepted rejected position results { messageId status code } errors { code }
  }
}
"""


def test_a_visitor_who_logs_in_and_buys_is_one_customer_on_one_journey(platform: Platform) -> None:
    # Given a published journey
    journey, prefix, visitor, user = unique("shop"), unique("x"), unique("anon"), unique("user")
    platform.publish(shop_journey(journey, prefix))
    # When a visitor looks around on the website, logs in and buys in the shop's app
    errors: list[Exception] = []
    client = segment_client(platform, errors)
    client.track(
        anonymous_id=visitor, event=f"{prefix}Product Viewed", timestamp=ago(hours=3), properties={"sku": "n°1 – élan"}
    )
    client.identify(user_id=user, anonymous_id=visitor, traits={"plan": "gold"}, timestamp=ago(hours=2))
    client.track(
        user,
        f"{prefix}Order Completed",
        {"total": 12345678901234567890},
        timestamp=ago(hours=1),
        context={"channel": "app"},
    )
    client.shutdown()
    assert errors == []
    # Then everybody reads one customer, whichever identifier they know
    platform.settle()
    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    assert customer == customer_of(platform, "anonymous_id", visitor)
    assert customer["traits"] == {"plan": "gold"}
    [instance] = instances_of(customer)
    assert (instance["journeyKey"], instance["status"], instance["run"]) == (journey, "COMPLETED", 1)
    assert instance["phase"] == {"key": "buy", "name": "Buy"}
    assert steps_of(instance) == [("viewed", "look", "START"), ("ordered", "buy", "FORWARD")]
    newest_first = [edge["node"]["name"] for edge in customer["timeline"]["edges"]]
    assert newest_first == [f"{prefix}Order Completed", "Identify", f"{prefix}Product Viewed"]
    assert customer["timeline"]["edges"][0]["node"]["properties"] == {"total": 12345678901234567890}
    assert customer["timeline"]["edges"][2]["node"]["properties"] == {"sku": "n°1 – élan"}


def test_whoever_writes_reads_it_back_with_the_position_of_the_answer(platform: Platform) -> None:
    journey, prefix, user = unique("shop"), unique("x"), unique("user")
    platform.publish(shop_journey(journey, prefix))
    platform.settle()
    answer = platform.send("/v1/track", {"userId": user, "event": f"{prefix}Checkout Started"})
    assert answer.status_code == 200
    assert answer.json()["position"] == answer.headers["Klantreis-Position"]

    customer = customer_of(platform, "user_id", user, position=answer.json()["position"])

    assert customer is not None
    [instance] = instances_of(customer)
    assert (instance["status"], instance["endedAt"], instance["dropOff"]) == ("ACTIVE", None, None)


def test_a_crm_records_events_by_graphql_and_waits_until_they_count(platform: Platform) -> None:
    journey, prefix, crm = unique("shop"), unique("x"), unique("crm")
    platform.publish(shop_journey(journey, prefix))
    platform.settle()
    event = {
        "messageId": unique("m"),
        "name": f"{prefix}Product Viewed",
        "identifiers": [{"type": "crm_id", "value": crm}],
        "channel": "phone",
        "properties": {"contract": 9007199254740993},
    }
    nobody = event | {"messageId": unique("m"), "identifiers": [{"type": "crm_id", "value": "undefined"}]}

    recorded = platform.graphql(RECORD, events=[event, nobody], wait=True)["recordEvents"]

    assert (recorded["accepted"], recorded["rejected"], recorded["errors"]) == (1, 1, [])
    assert [(one["messageId"], one["status"], one["code"]) for one in recorded["results"]] == [
        (event["messageId"], "ACCEPTED", None),
        (nobody["messageId"], "REJECTED", "NO_IDENTIFIER"),
    ]
    customer = customer_of(platform, "crm_id", crm)
    assert customer is not None
    assert customer["identifiers"] == [{"type": "crm_id", "value": crm, "trust": "VERIFIED"}]
    assert customer["timeline"]["edges"][0]["node"] == {
        "name": event["name"],
        "channel": "phone",
        "messageId": event["messageId"],
        "properties": {"contract": 9007199254740993},
    }


def test_identify_joins_what_a_browser_only_claimed(platform: Platform) -> None:
    visitor, user = unique("anon"), unique("user")
    platform.send("/v1/page", {"anonymousId": visitor, "name": "Home"})

    answer = platform.graphql(
        """mutation($identifiers: [IdentifierInput!]!) {
             identify(identifiers: $identifiers, traits: {city: "Den Haag"}, wait: true) {
               position errors { code } customer { traits identifiers { type trust } }
             }
           }""",
        identifiers=[{"type": "user_id", "value": user}, {"type": "anonymous_id", "value": visitor}],
    )["identify"]

    assert answer["errors"] == []
    assert answer["customer"]["traits"] == {"city": "Den Haag"}
    assert sorted(one["type"] for one in answer["customer"]["identifiers"]) == ["anonymous_id", "user_id"]
    assert {one["trust"] for one in answer["customer"]["identifiers"]} == {"VERIFIED"}


def test_a_repeated_delivery_counts_once(platform: Platform) -> None:
    journey, prefix, user = unique("shop"), unique("x"), unique("user")
    platform.publish(shop_journey(journey, prefix))
    event = {"userId": user, "event": f"{prefix}Product Viewed", "messageId": unique("m"), "type": "track"}
    for _ in range(3):
        assert platform.send("/v1/batch", {"batch": [event, event]}).json()["results"] == []
    platform.settle()
    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    assert len(customer["timeline"]["edges"]) == 1
    [instance] = instances_of(customer)
    assert len(steps_of(instance)) == 1


def test_a_bad_event_is_kept_and_its_neighbours_go_on(platform: Platform) -> None:
    user = unique("user")
    good = {"type": "track", "userId": user, "event": "Fine"}
    late = good | {"timestamp": "the day before yesterday", "messageId": unique("m")}

    answer = platform.send("/v1/batch", {"batch": [good, late, good]})

    assert answer.status_code == 200
    assert [(one["index"], one["code"]) for one in answer.json()["results"]] == [(1, "BAD_TIMESTAMP")]
    platform.settle()
    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    assert len(customer["timeline"]["edges"]) == 2
    rejected = platform.graphql("{ rejectedEvents(first: 100) { edges { node { code body path } } } }")
    [kept] = [edge["node"] for edge in rejected["rejectedEvents"]["edges"] if user in edge["node"]["body"]]
    assert kept["code"] == "BAD_TIMESTAMP"
    assert "the day before yesterday" in kept["body"]


def test_a_map_drawn_later_reads_what_was_recorded_before(platform: Platform) -> None:
    journey, prefix, user = unique("shop"), unique("x"), unique("user")
    platform.send(
        "/v1/track", {"userId": user, "event": f"{prefix}Product Viewed", "timestamp": ago(days=8).isoformat()}
    )
    platform.settle()
    platform.publish(shop_journey(journey, prefix))
    platform.settle()
    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    [instance] = instances_of(customer)
    assert instance["status"] == "ABANDONED"
    assert instance["dropOff"] == {"reason": "UNKNOWN", "phase": {"key": "look"}, "evidence": []}


def test_every_order_has_a_journey_of_its_own(platform: Platform) -> None:
    journey, prefix, user = unique("shop"), unique("x"), unique("user")
    platform.publish(
        shop_journey(
            journey,
            prefix,
            instanceKey="properties.order_id",
            cancelledWhen=f'name == "{prefix}Order Cancelled"',
            dropOffReasons=[{"reason": "DELIVERY_TIME", "when": 'properties.reason == "too slow"'}],
        )
    )

    def happens(name: str, hours: float, **properties: Any) -> None:
        body = {
            "userId": user,
            "event": prefix + name,
            "timestamp": ago(hours=hours).isoformat(),
            "properties": properties,
        }
        assert platform.send("/v1/track", body).status_code == 200

    happens("Product Viewed", 9)
    happens("Checkout Started", 8, order_id="A")
    happens("Checkout Started", 7, order_id="B")
    happens("Order Completed", 6, order_id="A")
    happens("Order Cancelled", 5, order_id="A", reason="too slow")
    platform.settle()

    customer = customer_of(platform, "user_id", user)
    assert customer is not None
    by_key = {instance["key"]: instance for instance in instances_of(customer)}
    assert {key: (one["run"], one["status"]) for key, one in by_key.items()} == {
        "A": (1, "CANCELLED"),
        "B": (2, "ACTIVE"),
    }
    assert steps_of(by_key["A"]) == [
        ("viewed", "look", "START"),
        ("checkout", "buy", "FORWARD"),
        ("ordered", "buy", "STAY"),
        (None, "buy", "STAY"),
    ]
    assert by_key["A"]["dropOff"] == {
        "reason": "DELIVERY_TIME",
        "phase": {"key": "buy"},
        "evidence": [{"name": f"{prefix}Order Cancelled"}],
    }
    listed = platform.graphql(
        """query($journey: String!) {
             instances(where: {journey: $journey, status: [CANCELLED]}) {
               totalCount edges { node { key customer { id } } }
             }
           }""",
        journey=journey,
    )["instances"]
    assert listed == {"totalCount": 1, "edges": [{"node": {"key": "A", "customer": {"id": customer["id"]}}}]}


def test_an_unknown_customer_is_null_and_an_unknown_key_is_refused(platform: Platform) -> None:
    assert customer_of(platform, "user_id", unique("nobody")) is None
    refused = platform.send("/v1/track", {"userId": "u", "event": "E"}, key="wk_unknown")
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")
    answer = platform.client.post(platform.graphql_url, json={"query": "{ projection { lag } }"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    write_key = {"Authorization": f"Bearer {platform.credentials['writeKey']}"}
    answer = platform.client.post(platform.graphql_url, json={"query": "{ projection { lag } }"}, headers=write_key)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_authors_hear_exactly_what_is_wrong(platform: Platform) -> None:
    journey = shop_journey(unique("shop"))
    save = """mutation($input: JourneyInput!) {
      saveJourney(input: $input) { journey { revision status version } errors { code path line column } }
    }"""
    publish = "mutation($key: String!) { publishJourney(key: $key) { journey { version } errors { code } } }"

    broken = journey | {"goal": 'name == "Order Completed" &&'}
    [flaw] = platform.graphql(save, input=broken)["saveJourney"]["errors"]
    assert (flaw["code"], flaw["path"], flaw["line"]) == ("RULE_SYNTAX", ["goal"], 1)

    goalless = {name: value for name, value in journey.items() if name != "goal"}
    saved = platform.graphql(save, input=goalless | {"baseRevision": 0})["saveJourney"]
    assert saved == {"journey": {"revision": 1, "status": "DRAFT", "version": None}, "errors": []}
    refused = platform.graphql(publish, key=journey["key"])["publishJourney"]
    assert refused == {"journey": None, "errors": [{"code": "GOAL_REQUIRED"}]}

    saved = platform.graphql(save, input=journey | {"baseRevision": 1})["saveJourney"]
    assert saved["journey"]["revision"] == 2
    stale = platform.graphql(save, input=journey | {"baseRevision": 1})["saveJourney"]
    assert (stale["journey"], [error["code"] for error in stale["errors"]]) == (None, ["CONFLICT"])
    assert platform.graphql(publish, key=journey["key"])["publishJourney"] == {"journey": {"version": 1}, "errors": []}
