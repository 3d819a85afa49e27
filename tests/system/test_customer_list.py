"""A marketer who looks for customers by where they stand, and asks why somebody is one customer or two."""

from __future__ import annotations

from typing import Any

from tests.support.platform import Platform
from tests.support.stories import shop_journey, unique

Json = dict[str, Any]
LIST = """query ($where: CustomerFilter, $first: Int, $after: String, $position: Position) {
    customers(where: $where, first: $first, after: $after, position: $position) {
        edges { node { identifiers { value } instances { edges { node { status phase { key } } } } } }
        pageInfo { hasNextPage endCursor } } }"""
LEDGER = """query ($identifier: IdentifierInput!, $position: Position) {
    customer(identifier: $identifier, position: $position) {
        ledger { identifiers { value } trust taken reason event { name } } } }"""
SETTINGS = "mutation ($settings: JSON!) { saveSettings(settings: $settings) { id settings } }"


def track(platform: Platform, event: str, **who: str) -> str:
    answer = platform.send("/v1/track", {**who, "event": event})
    assert answer.status_code == 200
    position: str = answer.json()["position"]
    return position


def listed(platform: Platform, position: str | None = None, first: int = 20, **where: Any) -> list[tuple[str, Json]]:
    """Of all pages the strongest identifier of each customer, and their first instance."""
    found: list[tuple[str, Json]] = []
    after: str | None = None
    while True:
        page = platform.graphql(LIST, where=where, first=first, after=after, position=position)["customers"]
        for edge in page["edges"]:
            customer = edge["node"]
            found.append((customer["identifiers"][0]["value"], customer["instances"]["edges"][0]["node"]))
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_customers_are_found_by_where_they_stand(platform: Platform) -> None:
    journey, prefix = unique("shop"), unique("x")
    platform.publish(shop_journey(journey, prefix))
    # Given three who look around, of whom two begin to pay and one of these buys
    people = [unique("user") for _ in range(3)]
    for name, some in (("Product Viewed", people), ("Checkout Started", people[1:]), ("Order Completed", people[2:])):
        for user in some:
            position = track(platform, f"{prefix}{name}", userId=user)
    looks, pays, has_bought = people
    # Then each is found where they stand, who was seen last comes first
    by_all = listed(platform, position, first=2, journey=journey)
    assert [user for user, _instance in by_all] == [has_bought, pays, looks]
    assert listed(platform, journey=journey, phase="buy", status=["ACTIVE"]) == [
        (pays, {"status": "ACTIVE", "phase": {"key": "buy"}})
    ]
    assert listed(platform, journey=journey, status=["COMPLETED"]) == [
        (has_bought, {"status": "COMPLETED", "phase": {"key": "buy"}})
    ]
    assert listed(platform, journey=journey, phase="look", status=["COMPLETED"]) == []
    one = {"type": "user_id", "value": looks}
    assert [user for user, _instance in listed(platform, journey=journey, identifier=one)] == [looks]
    # And when the first of them comes back, it is they who were seen last
    position = track(platform, f"{prefix}Product Viewed", userId=looks)
    assert [user for user, _instance in listed(platform, position, journey=journey)] == [looks, has_bought, pays]


def test_a_ledger_tells_why_two_who_share_a_tablet_are_two_customers(platform: Platform) -> None:
    ada, bob, tablet = unique("ada"), unique("bob"), unique("tablet")
    # Given a tablet on which Ada logs in, and then Bob
    track(platform, "Logged In", userId=ada, anonymousId=tablet)
    track(platform, "Asked", userId=bob, anonymousId=tablet)
    # And an address that the shop's own system vouches for
    email = f"{bob}@example.org"
    answer = platform.graphql(
        "mutation ($ids: [IdentifierInput!]!) { identify(identifiers: $ids) { position } }",
        ids=[{"type": "user_id", "value": bob}, {"type": "email", "value": email}],
    )
    # Then Bob's ledger says what was refused and why, and what was taken
    found = platform.graphql(
        LEDGER, identifier={"type": "email", "value": email}, position=answer["identify"]["position"]
    )
    assert found["customer"]["ledger"] == [
        {
            "identifiers": [{"value": bob}, {"value": tablet}],
            "trust": "CLAIMED",
            "taken": False,
            "reason": "Both already belonged to different user ids, which a mere claim does not join.",
            "event": {"name": "Asked"},
        },
        {
            "identifiers": [{"value": bob}, {"value": email}],
            "trust": "VERIFIED",
            "taken": True,
            "reason": "A trusted sender says that both are of one customer, and nothing before it spoke against that.",
            "event": {"name": "Identify"},
        },
    ]


def test_settings_are_there_for_every_frontend_of_the_workspace(platform: Platform) -> None:
    settings = {"greeting": "Hallo", "phases": {"buy": {"colour": "#0a0"}}, "most": 12345678901234567890}
    saved = platform.graphql(SETTINGS, settings=settings)["saveSettings"]
    assert saved["settings"] == settings
    found = platform.graphql("query ($id: ID!) { workspace { id key settings } node(id: $id) { id } }", id=saved["id"])
    assert found == {
        "workspace": {"id": saved["id"], "key": "default", "settings": settings},
        "node": {"id": saved["id"]},
    }
