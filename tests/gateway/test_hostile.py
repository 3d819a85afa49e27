"""Documents that are meant to keep the gateway busy are refused, say why, and are never executed."""

from __future__ import annotations

import pytest

from gateway.documents import Documents
from gateway.limits import Limits
from gateway.schema import create_schema
from tests.gateway.harness import Gateway
from tests.support.hostile import HOSTILE

SCHEMA = create_schema().core


@pytest.mark.parametrize("introspection", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_with_a_clear_code(name: str, introspection: bool) -> None:
    """The outcome is the same where the schema is shown and where it is not."""
    hostile = HOSTILE[name]
    prepared = Documents(SCHEMA, Limits(), introspection=introspection).prepare(hostile.text)
    assert prepared.document is None
    assert 1 <= len(prepared.errors) <= 6  # five, and that there are more
    extensions = prepared.errors[0]["extensions"]
    assert (extensions["code"], extensions.get("limit")) == (hostile.code, hostile.limit)
    assert {error["extensions"]["code"] for error in prepared.errors} == {hostile.code}


async def test_over_http_it_reaches_no_service(api: Gateway) -> None:
    for hostile in HOSTILE.values():
        answer = await api.ask(hostile.text)
        assert answer.keys() == {"errors"}
    assert (api.events.paths(), api.journeys.paths(), api.personas.paths()) == ([], [], [])
