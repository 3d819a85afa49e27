"""Every route is opened by a service token for this service, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.journeys.api import access, router
from tests.journeys.conftest import House


def reached(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from reached(inner)


def test_every_route_depends_on_the_service_token() -> None:
    """Proves that the token is verified before a route runs; not that the route then keeps to its workspace."""
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(router.routes) == 9
    assert [route.path for route in routes if access.service not in reached(route.dependant)] == []


async def test_the_app_has_no_other_routes(house: House) -> None:
    for path in ("/", "/docs", "/redoc", "/openapi.json", "/internal", "/internal/journeys/"):
        assert (await house.client.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    "route", [route for route in router.routes if isinstance(route, APIRoute)], ids=lambda r: r.name
)
async def test_only_a_token_for_journeys_opens_a_route(house: House, route: APIRoute) -> None:
    method, path = min(route.methods or ()), route.path.replace("{key}", "order")
    for headers in ({}, {"Authorization": "Bearer forged"}, house.token(audience="events")):
        answer = await house.client.request(method, path, headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    of_all = path == "/internal/workspaces-published"
    answer = await house.call(method, path, {}, workspace="default" if of_all else "*")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
