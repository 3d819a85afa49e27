"""The endpoint does what the specification "GraphQL over HTTP" says, by the audit of its reference implementation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.clients.workshop import HERE, Workshop
from tests.support.platform import one_process

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("clients")]

AUDITS = 61


def test_the_audit_of_graphql_over_http_finds_nothing(tmp_path: Path, workshop: Workshop) -> None:
    shutil.copy(HERE / "audit.mjs", workshop.folder)
    with one_process(tmp_path) as platform:
        results = json.loads(
            workshop.run(f"node audit.mjs {platform.graphql_url} {platform.credentials['adminKey']}"),
        )

    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS
