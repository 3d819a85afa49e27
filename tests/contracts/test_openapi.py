"""Whatever anybody sends to the internal routes of a service is answered as its OpenAPI document says.

Schemathesis makes the calls from the documents, those that they allow and those that they forbid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contracts.installation import USER, WORKSPACE, Installation

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("contracts")]

ROOT = Path(__file__).parents[2]
ENDLESS = "/internal/feeds/{feed}"  # follows the log for ever; see tests/events/feeds
EVERY_WORKSPACE = {"/internal/workspaces-published", "/internal/authenticate"}
SERVICES = ("personas", "journeys", "events")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def described(service: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_path(ROOT / "services" / service / "openapi.json").exclude(path=ENDLESS)


personas, journeys, events = (described(service) for service in SERVICES)


def ask(case: Case, service: str, installation: Installation) -> None:
    workspace = "*" if case.path in EVERY_WORKSPACE else WORKSPACE
    if isinstance(case.body, dict):
        case.body = with_known(case.body, installation.known)
    headers = {"Authorization": f"Bearer {installation.tokens.mint(service, workspace)}"}
    case.call_and_validate(base_url=installation.address(service), headers=headers, checks=CHECKS)


def with_known(body: dict[str, Any], known: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Asks for somebody who is there, too, since nobody finds an id by chance."""
    more = known | {"ids": [id for some in known.values() for id in some], "identifiers": [USER]}
    added = {name: value + list(more[name]) for name, value in body.items() if name in more and isinstance(value, list)}
    return body | added | ({"identifier": USER} if isinstance(body.get("identifier"), dict) else {})


@personas.parametrize()
def test_personas(case: Case, installation: Installation) -> None:
    ask(case, "personas", installation)


@journeys.parametrize()
def test_journeys(case: Case, installation: Installation) -> None:
    ask(case, "journeys", installation)


@events.parametrize()
def test_events(case: Case, installation: Installation) -> None:
    ask(case, "events", installation)
