"""Plans over a schema of all that resolvers may do: each answer is that of Strawberry."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate

from gateway.execution.executor import QueryExecutor
from gateway.execution.plans import Plans
from tests.gateway.execution.told import Told
from tests.gateway.execution.zoo import SCHEMA, soon

EXECUTOR = QueryExecutor(SCHEMA, SCHEMA.core)
Json = dict[str, Any]


def context(*, keeper: bool = True) -> Json:
    return {"keeper": keeper, "asked": [], "load": soon}


async def by_plan(query: str, given: Json | None = None, at_hand: Json | None = None) -> Any:
    document = parse(query)
    assert validate(SCHEMA.core, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return await EXECUTOR.execute(Plans(document), operation, given, at_hand or context())


LIKE_STRAWBERRY = [
    "{ one { name diet weight __typename } }",
    '{ lion: one(name: "lion") { __typename ... on Lion { roars weight } ... on Owl { nights } } }',
    "{ one { ... on Owl { nights } } }",
    '{ one(name: "gone") { name } }',
    '{ one(name: "nobody") { name } }',
    '{ needed(name: "gone") { name } one { name } }',
    '{ needed(name: "nobody") { name } }',
    '{ one(name: "rock") { name } }',
    '{ animals(names: ["owl", "lion", "nobody", "nobody", "gone", "gone"]) { name } }',
    '{ surely(names: ["owl", "nobody", "lion"]) { name } one { name } }',
    '{ surely(names: ["owl", "gone"]) { name } one { name } }',
    '{ one { friend { friend(name: "lion") { name diet } partner { name } name } } }',
    '{ one { friend(name: "nobody") { name } name } }',
    "{ one { name friend { partner { name } } } }",
    '{ animals(names: ["owl", "lion"]) { stroke } }',
    '{ animals(names: ["owl", "lion"]) { feed secret } }',
    "{ things { __typename ... on Lion { name } ... on Rock { stone: name } } }",
    "{ owls { name } }",
    "{ lazily }",
    "{ broken }",
    "{ single }",
    "{ given }",
    "{ later { name } }",
    "{ ofParent }",
    "{ undecided }",
    "{ refuses }",
    "{ broken given single }",
    '{ a: told b: told(wish: {names: ["x"]}) }',
    "query ($wish: Wish, $diet: Diet! = MEAT) { told(wish: $wish) ofParent(diet: $diet) }",
    "{ one { ...A ...B name } } fragment A on Animal { friend { name } ...B } fragment B on Animal { friend { diet } }",
    "query ($yes: Boolean!, $no: Boolean = false) { one @include(if: $yes) { name @skip(if: $no) diet } }",
    "query ($yes: Boolean!) { one { diet @skip(if: $yes) name diet } }",
    "query ($yes: Diet!) { ofParent(diet: $yes) }",
]


@pytest.mark.parametrize("keeper", [True, False])
@pytest.mark.parametrize("query", LIKE_STRAWBERRY)
async def test_a_plan_answers_as_strawberry_does(query: str, keeper: bool) -> None:
    given = {"yes": True} if "$yes" in query else {"wish": {"diet": "LEAVES", "names": ["a"]}}
    expected = await SCHEMA.execute(query, variable_values=given, context_value=context(keeper=keeper))
    assert Told.of(await by_plan(query, given, context(keeper=keeper))) == Told.of(expected)


@pytest.mark.parametrize(
    "query",
    ["{ __schema { description } }", '{ __type(name: "Lion") { name } }', "{ slow }", "{ one { name } loud }"],
)
async def test_what_only_strawberry_can_do_has_no_plan(query: str) -> None:
    assert await by_plan(query) is None


async def test_a_condition_without_a_value_is_left_to_strawberry() -> None:
    query = "query ($no: Boolean = false) { one { name @skip(if: $no) } }"
    assert await by_plan(query, {"no": None}) is None


async def test_a_permission_of_the_request_is_asked_once_for_a_field() -> None:
    at_hand = context()
    await by_plan('{ animals(names: ["owl", "lion", "owl2", "lion2"]) { secret again: secret } }', at_hand=at_hand)
    # each of the two types of animals has fields of its own
    assert at_hand["asked"] == ["keeper"] * 4


async def test_errors_of_resolvers_keep_their_cause() -> None:
    result = await by_plan('{ one(name: "nobody") { name } }')
    assert [type(error.original_error) for error in result.errors] == [KeyError]


async def test_one_document_gives_other_answers_to_other_variables() -> None:
    document = parse("query ($name: String!, $brief: Boolean!) { one(name: $name) { name diet @skip(if: $brief) } }")
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    plans = Plans(document)

    async def ask(name: str, brief: bool) -> Any:
        result = await EXECUTOR.execute(plans, operation, {"name": name, "brief": brief}, context())
        assert result is not None
        return result.data

    assert await ask("owl", True) == {"one": {"name": "owl"}}
    assert await ask("lion", False) == {"one": {"name": "lion", "diet": None}}
    assert await ask("owl", False) == {"one": {"name": "owl", "diet": "MEAT"}}
    assert await ask("lion", True) == {"one": {"name": "lion"}}


async def test_a_short_document_that_is_a_large_tree_is_left_to_strawberry() -> None:
    inner = " ".join(
        f"fragment F{n} on Animal {{ a: friend {{ ...F{n + 1} }} b: friend {{ ...F{n + 1} }} }}" for n in range(12)
    )
    query = f"{{ one {{ ...F0 }} }} {inner} fragment F12 on Animal {{ name }}"
    assert await by_plan(query) is None
