"""The personas service goes away: everything else goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.platform import four_processes
from tests.support.stories import shop_journey

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("faults")]

QUERY = '{ journey(key: "shop") { name personas { key } } }'


def test_a_journey_is_told_without_its_personas(tmp_path: Path, postgresql_url: str) -> None:
    with four_processes(tmp_path, postgresql_url) as platform:
        platform.graphql('mutation { savePersona(input: {key: "family", name: "Family"}) { errors { code } } }')
        platform.publish(shop_journey("shop", personas=["family"]))
        assert platform.graphql(QUERY)["journey"] == {"name": "Shop", "personas": [{"key": "family"}]}
        platform.processes["personas"].kill()
        answer = platform.graphql_answer(QUERY)
        assert answer["data"] == {"journey": {"name": "Shop", "personas": None}}
        assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
            (["journey", "personas"], {"code": "UPSTREAM_UNAVAILABLE"})
        ]
        platform.processes["personas"].start()
        platform.processes["personas"].wait_ready()
        assert platform.graphql(QUERY)["journey"] == {"name": "Shop", "personas": [{"key": "family"}]}
