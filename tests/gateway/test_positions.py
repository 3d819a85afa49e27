"""Reading one's own writes."""

from __future__ import annotations

import pytest

from tests.gateway.documents import customer, problem
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

WAIT = "/internal/projection/wait"
FIND = 'customer(identifier: {type: "user_id", value: "u1"}%s) { id }'


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda body: {
        "customers": [customer()] * len(body["identifiers"])
    }
    api.events.answers["POST /internal/instances/query"] = lambda _: page([])
    api.events.answers["GET /internal/rejected-events"] = lambda _: page([])
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": False}


async def test_without_a_position_nothing_waits(api: Gateway) -> None:
    answer = await api.ask("{ %s }" % (FIND % ""))
    assert "extensions" not in answer
    assert api.events.bodies(WAIT) == []


@pytest.mark.parametrize("stale", [False, True])
async def test_a_read_waits_before_it_reads_and_says_when_it_is_stale(api: Gateway, stale: bool) -> None:
    api.events.answers[f"POST {WAIT}"] = lambda _: {"stale": stale}
    answer = await api.ask("{ %s }" % (FIND % ', position: "p1"'))
    assert answer["data"]["customer"] is not None
    assert answer.get("extensions") == ({"stale": True} if stale else None)
    assert api.events.paths() == [WAIT, "/internal/customers/find"]


async def test_each_position_is_waited_for_once(api: Gateway) -> None:
    query = """query ($one: Position) { a: %s b: %s c: instances(position: $one) { totalCount }
        d: instances(position: "p2") { totalCount } }"""
    find = FIND % ", position: $one"
    await api.data(query % (find, find), variables={"one": "p1"})
    assert sorted(body["position"] for body in api.events.bodies(WAIT)) == ["p1", "p2"]


async def test_the_header_holds_for_every_read_without_a_position_of_its_own(api: Gateway) -> None:
    query = '{ %s instances { totalCount } rejectedEvents { totalCount } b: instances(position: "p2") { totalCount } }'
    await api.data(query % (FIND % ""), headers={"Klantreis-After": "p1"})
    assert sorted(body["position"] for body in api.events.bodies(WAIT)) == ["p1", "p2"]


@pytest.mark.parametrize("header", [{}, {"Klantreis-After": "???"}])
async def test_a_malformed_position_is_told_so(api: Gateway, header: dict[str, str]) -> None:
    api.events.answers[f"POST {WAIT}"] = problem(400, "BAD_POSITION", "That is no position.")
    query = "{ %s }" % (FIND % ("" if header else ', position: "???"'))
    assert await api.errors(query, headers=header) == [("customer", "BAD_POSITION")]
    assert "/internal/customers/find" not in api.events.paths()


async def test_a_position_is_text(api: Gateway) -> None:
    assert await api.errors("{ %s }" % (FIND % ", position: 5")) == [("", "BAD_POSITION")]


async def test_the_position_of_an_empty_log_is_nothing_to_wait_for(api: Gateway) -> None:
    await api.data("{ %s }" % (FIND % ', position: ""'))
    assert api.events.bodies(WAIT) == []
