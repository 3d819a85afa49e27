"""When something behind the gateway is away, wrong or broken."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.gateway.documents import customer, instance, journey, problem
from tests.gateway.harness import Gateway
from tests.gateway.stubs import page

QUERY = "{ instances { edges { node { key journey { name } phase { key } touchpoint { key } } } } }"


@pytest.fixture(autouse=True)
def running(api: Gateway) -> None:
    api.events.answers["POST /internal/instances/query"] = lambda _: page([instance("i1"), instance("i2", version=2)])


async def test_without_journeys_the_snapshots_still_answer(api: Gateway) -> None:
    api.journeys.away = True
    answer = await api.ask(QUERY)
    node = {"key": None, "journey": None, "phase": {"key": "orientation"}, "touchpoint": {"key": "view"}}
    assert answer["data"] == {"instances": {"edges": [{"node": node}, {"node": node}]}}
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
        (["instances", "edges", 0, "node", "journey"], {"code": "UPSTREAM_UNAVAILABLE"}),
        (["instances", "edges", 1, "node", "journey"], {"code": "UPSTREAM_UNAVAILABLE"}),
    ]


async def test_a_version_that_is_not_there_is_null(api: Gateway) -> None:
    api.journeys.answers["POST /internal/journeys/read"] = lambda _: {"journeys": [journey(), None]}
    found = await api.data("{ instances { edges { node { journey { version } } } } }")
    assert [edge["node"]["journey"] for edge in found["instances"]["edges"]] == [{"version": 1}, None]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"journeys": None},
        {"journeys": [journey()]},
        {"journeys": [journey(), "x"]},
        {"journeys": [journey(), journey(reentry="SOMETIMES")]},
        {"journeys": [journey(), {"key": "purchase"}]},
    ],
)
async def test_an_answer_nobody_understands_is_an_absent_upstream(api: Gateway, answer: Any) -> None:
    api.journeys.answers["POST /internal/journeys/read"] = lambda _: answer
    codes = [code for _, code in await api.errors("{ instances { edges { node { journey { version } } } } }")]
    assert codes == ["UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAVAILABLE"]


async def test_what_an_upstream_adds_is_ignored(api: Gateway) -> None:
    grown = journey(mood="new", phases=[{"key": "a", "name": "A", "colour": "red"}], hypotheses=None)
    api.journeys.answers["POST /internal/journeys/read"] = lambda _: {"journeys": [grown], "more": True}
    found = await api.data(
        '{ journey(key: "purchase") { phases { key mandatory touchpoints { key } } hypotheses { key } } }'
    )
    assert found == {"journey": {"phases": [{"key": "a", "mandatory": True, "touchpoints": []}], "hypotheses": []}}


async def test_a_customer_that_went_away_meanwhile(api: Gateway) -> None:
    api.events.answers["POST /internal/customers/find"] = lambda _: {"customers": [customer()]}
    api.events.answers["POST /internal/timelines"] = lambda _: {"pages": [None]}
    query = '{ customer(identifier: {type: "user_id", value: "u1"}) { timeline { edges { cursor } } } }'
    assert await api.errors(query) == [("customer.timeline", "NOT_FOUND")]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_service_that_does_not_trust_us_is_not_the_callers_doing(
    api: Gateway, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    api.events.answers["POST /internal/instances/query"] = problem(status, "UNAUTHENTICATED", "check the signing key")
    answer = await api.ask(QUERY)
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "INTERNAL"}]
    assert "signing key" not in str(answer)
    assert [record.getMessage() for record in caplog.records if record.name == "gateway.errors"] == ["a field failed"]


async def test_what_nobody_foresaw_is_masked_and_logged_without_values(
    api: Gateway, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = page([instance("i1")]) | {"cursors": ["a", "b"]}  # more cursors than items: a bug of ours to trip over
    api.events.answers["POST /internal/instances/query"] = lambda _: broken
    query = 'query { instances(where: {key: "secret-key"}) { totalCount } }'
    answer = await api.ask(query)
    assert answer["errors"] == [
        {
            "message": "Something went wrong on our side; it has been logged.",
            "locations": [{"line": 1, "column": 9}],
            "path": ["instances"],
            "extensions": {"code": "INTERNAL"},
        }
    ]
    [record] = [record for record in caplog.records if record.name == "gateway.errors"]
    fields = vars(record)
    assert (fields["error"], fields["fields"], record.exc_info) == ("ValueError", ["instances"], None)
    assert any("relay.py" in frame for frame in fields["frames"])
    written = "".join(capfd.readouterr()) + caplog.text + str([vars(record) for record in caplog.records])
    assert "secret-key" not in written


async def test_refusals_are_not_logged(api: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    api.events.away = False
    await api.errors("{ instances(first: 0) { totalCount } }")
    await api.errors("{ nope }")
    await api.errors("{ projection { lag } }", key="sk_none")
    assert [record for record in caplog.records if record.name.startswith("gateway")] == []
