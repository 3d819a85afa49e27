"""GraphQL over HTTP: what is a request, and what is answered to what is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.gateway.harness import Gateway

HEADERS = {"Authorization": "Bearer sk_all", "Content-Type": "application/json"}
STATUS = {"position": "p9", "logged": 9, "projected": 9, "lag": 0, "oldestUnprojectedAge": "PT1S", "rebuilding": False}
NEW = "application/graphql-response+json"


@pytest.fixture(autouse=True)
def projection(api: Gateway) -> None:
    api.events.answers["GET /internal/projection"] = lambda _: STATUS


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b'{"query": "{ projection { lag } }", "variables": {"a": NaN}}', 400, "BAD_REQUEST"),
        (b'{"query": "{ projection { lag } }", "variables": {"a": "\\ud800"}}', 400, "BAD_REQUEST"),
        (b'{"query": "\xff"}', 400, "BAD_REQUEST"),
        (b'{"query": "{a}", "variables": {"a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}}", 400, "BAD_REQUEST"),
        (b"{}", 400, "BAD_REQUEST"),
        (b'{"query": null}', 400, "BAD_REQUEST"),
        (b'{"query": 1}', 400, "BAD_REQUEST"),
        (b'{"query": "{ projection { lag } }", "variables": []}', 400, "BAD_REQUEST"),
        (b'{"query": "{ projection { lag } }", "extensions": ""}', 400, "BAD_REQUEST"),
        (b'{"query": "{ projection { lag } }", "operationName": 1}', 400, "BAD_REQUEST"),
        (b'"{ projection { lag } }"', 400, "BAD_REQUEST"),
        (b' [{"query": "{ projection { lag } }"}]', 400, "BAD_REQUEST"),
        (b'{"query": "' + b" " * 1_048_576 + b'"}', 413, "TOO_LARGE"),
    ],
)
async def test_what_is_no_request_is_told_so(api: Gateway, body: bytes, status: int, code: str) -> None:
    response = await api.http.post("/graphql", content=body, headers=HEADERS)
    answer = msgspec.json.decode(response.content)
    assert response.status_code == status
    assert [error["extensions"] for error in answer["errors"]] == [{"code": code}]
    assert answer["code"] == code
    assert api.events.paths() == []


async def test_a_body_in_chunks_is_read_no_further_than_the_limit(api: Gateway) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 65_536

    response = await api.http.post("/graphql", content=endless(), headers=HEADERS)
    assert (response.status_code, sent) == (413, 17)


async def test_a_body_of_just_the_limit_is_read(api: Gateway) -> None:
    body = b'{"query": "{ projection { lag } }"}'
    response = await api.http.post("/graphql", content=body.ljust(1_048_576), headers=HEADERS)
    assert response.json() == {"data": {"projection": {"lag": 0}}}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_page_on_another_origin_cannot_send_an_operation(api: Gateway, content_type: str) -> None:
    response = await api.http.post(
        "/graphql", content=b'{"query": "{ projection { lag } }"}', headers=HEADERS | {"Content-Type": content_type}
    )
    assert response.status_code == 415
    assert response.json()["code"] == "UNSUPPORTED_MEDIA_TYPE"


async def test_the_content_type_may_have_parameters(api: Gateway) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await api.post("{ projection { lag } }", headers=headers)).json() == {"data": {"projection": {"lag": 0}}}


@pytest.mark.parametrize(
    ("query", "accept", "status", "media_type"),
    [
        ("{ projection { lag } }", "*/*", 200, "application/json"),
        ("{ projection { lag } }", f"{NEW}, application/json", 200, NEW),
        ("{ nope }", "application/json", 200, "application/json"),
        ("{ nope }", NEW, 400, NEW),
        ("{", NEW, 400, NEW),
    ],
)
async def test_a_client_that_knows_the_new_media_type_gets_it(
    api: Gateway, query: str, accept: str, status: int, media_type: str
) -> None:
    response = await api.post(query, headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (status, media_type)


async def test_queries_may_come_by_get_and_mutations_may_not(api: Gateway) -> None:
    authorization = {"Authorization": "Bearer sk_all", "Accept": "application/json"}
    query = "query Q($first: Int) { rejectedEvents(first: $first) { totalCount } projection { lag } }"
    parameters = {"query": query, "variables": '{"first": 0}', "operationName": "Q"}
    response = await api.http.get("/graphql", params=parameters, headers=authorization)
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_PAGE"]
    mutation = 'mutation { publishJourney(key: "a") { pending } }'
    refused = await api.http.get("/graphql", params={"query": mutation}, headers=authorization)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert api.journeys.calls == []
    malformed = await api.http.get("/graphql", params={"query": query, "variables": "{"}, headers=authorization)
    assert (malformed.status_code, malformed.json()["code"]) == (400, "BAD_REQUEST")
    nothing = await api.http.get("/graphql", headers=authorization)
    assert (nothing.status_code, nothing.json()["code"]) == (400, "BAD_REQUEST")


async def test_one_of_several_operations_is_chosen_by_name(api: Gateway) -> None:
    document = "query A { projection { lag } } query B { projection { logged } }"
    assert await api.data(document, operationName="B") == {"projection": {"logged": 9}}
    for name in (None, "C"):
        response = await api.post(document, operationName=name)
        assert (response.status_code, response.json()["code"]) == (400, "BAD_REQUEST")


async def test_there_is_no_redirect_and_nothing_else(api: Gateway) -> None:
    response = await api.http.post("/graphql/", content=b"{}", headers=HEADERS)
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert (await api.http.get("/openapi.json")).status_code == 404


async def test_introspection_works_whole(api: Gateway) -> None:
    from graphql import build_client_schema, get_introspection_query, print_schema

    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    assert "type JourneyInstance implements Node" in print_schema(build_client_schema(await api.data(query)))
