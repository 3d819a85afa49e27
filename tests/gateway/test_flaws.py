"""What is wrong with an argument is told with its place, as far as the caller knows that place."""

from __future__ import annotations

from typing import Any

import pytest

from infra.chassis.errors import Flaw
from tests.gateway.documents import journey, problem
from tests.gateway.harness import Gateway

Json = dict[str, Any]

AT_LEAST_1 = "Input should be greater than or equal to 1"
VERSION = Flaw("INVALID_VALUE", AT_LEAST_1, ("where", "version"))


async def failed(api: Gateway, query: str, variables: Json | None = None) -> tuple[str, Json]:
    """The message and the extensions of the one error."""
    [error] = (await api.ask(query, variables=variables))["errors"]
    return error["message"], error["extensions"]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ instances(where: {version: 0}) { totalCount } }", None),
        ("query ($where: InstanceFilter) { instances(where: $where) { totalCount } }", {"where": {"version": 0}}),
        ("query ($number: Int) { instances(where: {version: $number}) { totalCount } }", {"number": 0}),
        ('{ journey(key: "purchase") { insights(where: {version: 0}) { instances } } }', None),
    ],
)
async def test_a_filter_names_the_member_at_fault(api: Gateway, query: str, variables: Json | None) -> None:
    refused = problem(422, "INVALID", "The request does not have the right shape.", [VERSION])
    api.journeys.answers["POST /internal/journeys/read"] = lambda _: {"journeys": [journey()]}
    for path in ("/internal/instances/query", "/internal/insights/read"):
        api.events.answers[f"POST {path}"] = refused

    flaw = {"code": "INVALID_VALUE", "message": AT_LEAST_1, "path": ["where", "version"]}
    assert await failed(api, query, variables) == (
        f"where.version: {AT_LEAST_1}",
        {"code": "INVALID", "errors": [flaw]},
    )


async def test_several_flaws_are_told_together(api: Gateway) -> None:
    flaws = [VERSION, Flaw("INVALID_VALUE", "Too long", ("where", "key"))]
    api.events.answers["POST /internal/instances/query"] = problem(422, "INVALID", "No.", flaws)

    message, extensions = await failed(api, '{ instances(where: {version: 0, key: "k"}) { totalCount } }')

    assert message == f"where.version: {AT_LEAST_1}; where.key: Too long"
    assert [flaw["path"] for flaw in extensions["errors"]] == [["where", "version"], ["where", "key"]]


async def test_what_is_told_hides_nothing_that_is_not(api: Gateway) -> None:
    flaws = [VERSION, Flaw("INVALID_VALUE", "Too many", ("journeys",))]
    api.events.answers["POST /internal/instances/query"] = problem(422, "INVALID", "Not a query.", flaws)

    message, extensions = await failed(api, "{ instances(where: {version: 0}) { totalCount } }")

    assert message == "Not a query."
    assert [flaw["path"] for flaw in extensions["errors"]] == [["where", "version"]]


async def test_a_place_in_what_a_loader_asked_is_nothing_to_a_caller(api: Gateway) -> None:
    flaw = Flaw("INVALID_VALUE", "Too long", ("identifiers", "0", "value"))
    api.events.answers["POST /internal/customers/find"] = problem(422, "INVALID", "Not an identifier.", [flaw])

    query = '{ customer(identifier: {type: "user_id", value: "u"}) { id } }'

    assert await failed(api, query) == ("Not an identifier.", {"code": "INVALID"})
