"""The endpoint does what the specification "GraphQL over HTTP" says, by the audit of its reference implementation."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.clients.workshop import HERE, Workshop
from tests.support.platform import Platform

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

AUDITS = 61


def test_the_audit_of_graphql_over_http_finds_nothing(platform: Platform, workshop: Workshop) -> None:
    shutil.copy(HERE / "audit.mjs", workshop.folder)

    command = f"node audit.mjs {platform.graphql_url} {platform.credentials['adminKey']}"
    results = json.loads(workshop.run(command))

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
