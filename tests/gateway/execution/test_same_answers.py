"""Whatever is asked and whatever goes wrong, plans answer what graphql-core and Strawberry answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.relay import global_id
from tests.gateway.execution.random_documents import Asked, documents
from tests.gateway.execution.world import MOMENT, SCHEMA, Weather, world

_IDS = [
    global_id("Customer", "k1"),
    global_id("JourneyInstance", "i1"),
    global_id("TouchpointEvent", "e1"),
    global_id("RejectedEvent", "7-2"),
    global_id("Source", "website"),
    global_id("Journey", "2:purchase"),
    global_id("Persona", "draft:commuter"),
    global_id("Nothing", "x"),
    "not an id",
]
_TEXTS = ["commuter", "purchase", "gone"]


def _texts(*values: str) -> list[tuple[str, object]]:
    return [(f'"{value}"', value) for value in values]


LITERALS = {
    "first": [("2", 2), ("1", 1), ("0", 0)],
    "id": _texts(*_IDS),
    "ids": _texts(*_IDS),
    "value": _texts("k1", "k2", "gone"),
    "Int": [("1", 1), ("3", 3)],
    "Boolean": [("true", True), ("false", False)],
    "String": _texts(*_TEXTS),
    "ID": _texts(*_IDS),
    "DateTime": _texts(MOMENT, "2026-01-01T00:00:00+01:00"),
    "Position": _texts("p1"),
}
_SCOPES = ("customers:read", "pii:read", "insights:read", "models:read")
_SERVICES = ("events", "journeys", "personas")
_PATHS = ("steps", "timelines", "customers/read", "journeys/read", "insights", "sources", "versions", "events/read")
_THINGS = ("k1", "k2", "i1", "e1", "purchase", "commuter", "persona-2", "7-2")


def some(of: tuple[str, ...], *, at_most: int) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(of), max_size=at_most)


all_or_some_scopes = st.one_of(st.just(frozenset(_SCOPES)), some(_SCOPES, at_most=4))
weathers = st.builds(
    Weather,
    scopes=all_or_some_scopes,
    away=st.one_of(st.just(frozenset()), some(_SERVICES, at_most=1)),
    refusing=some(_PATHS, at_most=2),
    gone=some(_THINGS, at_most=3).map(lambda things: things | {"gone"}),
)


@pytest.fixture
def swept() -> Iterator[None]:
    """What is left behind is collected while it is expected, and not amid a later test."""
    yield
    gc.collect()


# graphql-core leaves what it has begun when a field that may not be null has failed.
@pytest.mark.usefixtures("swept")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine object (Executor|GraphQLCoreConverter).")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents(SCHEMA.core, LITERALS), weathers)
def test_random_queries_are_answered_alike_and_cost_the_same_calls(asked: Asked, weather: Weather) -> None:
    assume(not validate(SCHEMA.core, parse(asked.query)))

    async def compare() -> None:
        async with world() as there:
            there.becomes(weather)
            expected = await there.by_strawberry(*asked)
            calls = there.calls()
            assert await there.by_plan(*asked) == expected
            if not expected.lost:  # else some of it is not needed any more, and some was not asked yet
                assert there.calls() == calls

    asyncio.run(compare())
