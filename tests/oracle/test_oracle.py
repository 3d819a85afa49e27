"""What the oracle itself promises: it stands alone, refuses what it does not know, and knows who is who."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import identity, journey
from tests.oracle.rules import rule
from tests.support.histories import DAY, EPOCH, plain_event

Json = dict[str, Any]


def test_the_oracle_imports_nothing_of_the_product() -> None:
    imported: set[str] = set()
    for path in Path(__file__).parent.glob("[!t]*.py"):  # its tests may
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or ".")

    ours = {name for name in imported if name.split(".")[0] in ("services", "gateway", "infra", "tests", "")}
    assert ours == {"tests.oracle.journey", "tests.oracle.rules"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('name == "A" && properties.total > 1', True),
        ('name in ["B", "A"]', True),
        ("properties.total == 1.5 || false", True),
        ("has(properties.total) && !has(properties.other)", True),
        ("properties.other != 1", False),
        ("!(properties.other == 1)", True),
        ('properties.total != "1.5"', False),
        ('channel != "web"', False),
        ("properties.flag == true", True),
        ("properties.flag == 1", False),
    ],
)
def test_a_rule_the_oracle_knows(text: str, matches: bool) -> None:
    event = plain_event("m", "A", EPOCH, properties={"total": 1.5, "flag": True})

    assert rule(text)(event) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        'name.contains("A")',
        "size(properties.a) > 1",
        "1 == 1",
        'name == "A" &&',
        "properties.a < true",
        "(true",
    ],
)
def test_a_rule_the_oracle_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        rule(text)


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P", "PT", "7D", ""])
def test_a_duration_without_a_fixed_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        journey.microseconds(text)


def test_two_people_on_one_device_stay_two() -> None:
    told = [seen(0, "user_id:u", "anonymous_id:a"), seen(1, "user_id:w", "anonymous_id:a"), seen(2, "anonymous_id:a")]

    assert partition(told) == [["m0", "m2"], ["m1"]]
    assert refusals(told) == [("m1", "USER_ID")]


def test_a_verified_link_reaches_past_a_claimed_user_id() -> None:
    told = [seen(0, "user_id:u", "anonymous_id:a"), seen(1, "user_id:w", "anonymous_id:a", verified=True)]

    assert partition(told) == [["m0", "m1"]]


def test_only_a_verified_alias_joins_two_users() -> None:
    users = [seen(0, "user_id:u", verified=True), seen(1, "user_id:w", verified=True)]

    assert partition([*users, seen(2, "user_id:u", "user_id:w")]) == [["m0", "m2"], ["m1"]]
    assert partition([*users, seen(2, "user_id:u", "user_id:w", verified=True)]) == [["m0", "m1", "m2"]]


def test_a_refused_link_does_not_hinder_the_others() -> None:
    told = [
        seen(0, "user_id:u", "email:u@x"),
        seen(1, "anonymous_id:a"),
        seen(2, "user_id:w", "email:u@x", "anonymous_id:a"),
    ]

    assert partition(told) == [["m0"], ["m1", "m2"]]


def test_links_are_tried_in_history_order_whatever_the_order_of_arrival() -> None:
    told = [seen(1, "user_id:w", "anonymous_id:a"), seen(0, "user_id:u", "anonymous_id:a"), seen(2, "anonymous_id:a")]

    assert partition(told) == partition(told[::-1]) == [["m0", "m2"], ["m1"]]


def test_blocked_values_link_nobody() -> None:
    told = [seen(0, "user_id:u", "anonymous_id:null"), seen(1, "user_id:w", "anonymous_id:null")]

    assert partition(told) == [["m0"], ["m1"]]


def test_a_link_past_the_limit_is_refused() -> None:
    told = [seen(day, "user_id:u", f"email:{day}@x") for day in range(3)] + [seen(3, "email:2@x")]

    components, refused = identity.replay(told, email_limit=2)

    assert [[event["messageId"] for event in c.events] for c in components] == [["m0", "m1", "m2"], ["m3"]]
    assert [(r.message_id, r.weaker, r.reason) for r in refused] == [("m2", ("email", "2@x"), "LIMIT")]


def test_traits_are_those_of_the_latest_identify() -> None:
    told = [
        seen(2, "user_id:u", kind="identify", traits={"city": "Delft"}),
        seen(1, "user_id:u", kind="identify", traits={"city": "Gouda", "age": 40}),
        seen(3, "user_id:u", traits={"city": "Breda"}),
    ]

    assert identity.customers(told)[0]["traits"] == {"city": "Delft", "age": 40}


def seen(day: int, *identifiers: str, verified: bool = False, **more: Any) -> Json:
    """An event of one day carrying identifiers written as type:value."""
    pairs = [identifier.split(":") for identifier in identifiers]
    return plain_event(f"m{day}", "A", EPOCH + day * DAY, identifiers=pairs, verified=verified, **more)


def partition(told: list[Json]) -> list[list[str]]:
    return [customer["events"] for customer in identity.customers(told)]


def refusals(told: list[Json]) -> list[tuple[str, str]]:
    return [(refusal.message_id, refusal.reason) for refusal in identity.replay(told)[1]]
