"""Many customers, and why each of them is one."""

from __future__ import annotations

import pytest

from gateway.relay import global_id
from tests.gateway.documents import customer, event, identifier, ledger_entry, problem
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

QUERY = "/internal/customers/query"
LEDGERS = "/internal/customers/ledgers"
FIND = 'customer(identifier: {type: "user_id", value: "u1"})'
ENTRY = "ledger { id kind identifiers { type value trust firstSeenAt } trust taken reason event { messageId } at }"


@pytest.fixture(autouse=True)
def known(api: Gateway) -> None:
    answers = api.events.answers
    answers[f"POST {QUERY}"] = lambda _: page([customer("k2"), customer("k1")], hasNextPage=True, endCursor="c1")
    answers["POST /internal/customers/find"] = lambda body: {"customers": [customer() for _ in body["identifiers"]]}
    answers["POST /internal/events/read"] = lambda body: {"events": [event(id) for id in body["ids"]]}
    answers[f"POST {LEDGERS}"] = lambda body: {"ledgers": [[ledger_entry()] for _ in body["customers"]]}


async def test_a_page_of_customers(api: Gateway) -> None:
    found = await api.data(
        "{ customers { edges { cursor node { id traits } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"
    )
    assert found["customers"] == {
        "edges": [
            {"cursor": f"c{place}", "node": {"id": global_id("Customer", key), "traits": {"plan": "gold"}}}
            for place, key in enumerate(("k2", "k1"))
        ],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "endCursor": "c1"},
    }
    assert api.events.bodies(QUERY) == [{"where": {}, "first": 20, "after": None}]


async def test_customers_are_filtered_as_asked(api: Gateway) -> None:
    await api.data(
        """query ($customer: String!) { customers(first: 3, after: "c2", where: {journey: "purchase", phase: "cart",
        status: [ACTIVE, PAUSED], seenSince: "2026-01-01T01:00:00+01:00",
        identifier: {type: "customer_id", value: $customer}}) { edges { cursor } } }""",
        variables={"customer": global_id("Customer", "k1")},
    )
    assert api.events.bodies(QUERY) == [
        {
            "where": {
                "journey": "purchase",
                "phase": "cart",
                "status": ["ACTIVE", "PAUSED"],
                "seenSince": "2026-01-01T00:00:00Z",
                "identifier": {"type": "customer_id", "value": "k1"},
            },
            "first": 3,
            "after": "c2",
        }
    ]


async def test_a_list_waits_for_a_position(api: Gateway) -> None:
    api.events.answers["POST /internal/projection/wait"] = lambda _: {"stale": True}
    answer = await api.ask('{ customers(position: "p1") { edges { cursor } } }')
    assert answer["extensions"] == {"stale": True}
    assert api.events.paths() == ["/internal/projection/wait", QUERY]


async def test_personal_data_of_a_list_needs_its_own_scope(api: Gateway) -> None:
    query = "{ customers { edges { node { firstSeenAt %s } } } }"
    assert await api.errors(query % "", key="sk_models") == [("customers", "FORBIDDEN")]
    assert len((await api.data(query % "", key="sk_bare"))["customers"]["edges"]) == 2
    for field in ("traits", "identifiers { value }", "ledger { identifiers { value } }"):
        codes = await api.errors(query % field, key="sk_bare")
        assert {code for _place, code in codes} == {"FORBIDDEN"}
    ledger = await api.data(query % "ledger { reason taken }", key="sk_bare")
    assert ledger["customers"]["edges"][0]["node"]["ledger"] == [{"reason": "An event names both.", "taken": True}]


async def test_a_ledger_tells_of_each_link_and_the_event_that_says_so(api: Gateway) -> None:
    found = await api.data(f"{{ {FIND} {{ {ENTRY} }} }}")
    assert found["customer"]["ledger"] == [
        {
            "id": global_id("LedgerEntry", "l1"),
            "kind": "LINK",
            "identifiers": [identifier(), identifier("anonymous_id", "a1", "CLAIMED")],
            "trust": "CLAIMED",
            "taken": True,
            "reason": "An event names both.",
            "event": {"messageId": "m-e1"},
            "at": "2026-03-01T10:00:00Z",
        }
    ]
    assert api.events.bodies(LEDGERS) == [{"customers": ["k1"], "first": 100, "after": None}]


async def test_a_ledger_goes_on_behind_an_entry(api: Gateway) -> None:
    query = f"query ($after: ID) {{ {FIND} {{ ledger(first: 7, after: $after) {{ id }} }} }}"
    await api.data(query, variables={"after": global_id("LedgerEntry", "l1")})
    assert api.events.bodies(LEDGERS) == [{"customers": ["k1"], "first": 7, "after": "l1"}]
    for after in ("x", global_id("Customer", "k1")):
        assert await api.errors(query, variables={"after": after}) == [("customer.ledger", "BAD_ID")]
    api.events.answers[f"POST {LEDGERS}"] = problem(400, "BAD_CURSOR")
    other = {"after": global_id("LedgerEntry", "l2")}
    assert await api.errors(query, variables=other) == [("customer.ledger", "BAD_CURSOR")]


@pytest.mark.parametrize("first", ["0", "101"])
async def test_pages_have_between_1_and_100_items(api: Gateway, first: str) -> None:
    assert await api.errors(f"{{ customers(first: {first}) {{ edges {{ cursor }} }} }}") == [("customers", "BAD_PAGE")]
    ledger = f"{{ {FIND} {{ ledger(first: {first}) {{ id }} }} }}"
    assert await api.errors(ledger) == [("customer.ledger", "BAD_PAGE")]
    assert QUERY not in api.events.paths()
