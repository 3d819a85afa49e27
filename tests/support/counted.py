"""Insights as the product answers them, in the form of the oracle that counts them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import httpx
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.database import Database
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, workspace_of
from services.events.insights import api
from services.events.insights.queries import InsightQueries
from services.events.live.queries import InstanceQueries
from services.events.models.queries import Models
from tests.oracle.insights import Walk, gaps
from tests.oracle.journey import microseconds

Json = dict[str, Any]
Pair = tuple[str, str]

_TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
_PAGE = 100


class Insights:
    """The internal routes of a workspace's insights."""

    def __init__(self, client: httpx.AsyncClient, workspace: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {_TOKENS.mint(AUDIENCE, workspace)}"}

    async def read(self, journey: str, **selection: Json | None) -> Json:
        """The insights of one journey; `selection` is `period` and `where`."""
        [found] = (await self._post("read", {"journeys": [journey], "medianGaps": True} | selection))["insights"]
        answer: Json = found
        return answer

    async def behind(self, journey: str, drop_off: Json, **selection: Json | None) -> list[Json]:
        """All instances behind one line of the drop-offs, page by page."""
        way = {"journey": journey} | {name: drop_off[name] for name in ("phase", "reason", "device")}
        body = {"dropOffs": [way], "first": _PAGE} | selection
        found: list[Json] = []
        after = None
        while True:
            [page] = (await self._post("drop-offs", body | {"after": after}))["pages"]
            found += page["items"]
            if not page["hasNextPage"]:
                assert page["totalCount"] == len(found)
                return found
            after = page["endCursor"]

    async def _post(self, path: str, body: Json) -> Json:
        response = await self._client.post(f"/internal/insights/{path}", json=body, headers=self._headers)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer


@asynccontextmanager
async def insights_of(state: Database, workspace: str) -> AsyncIterator[Insights]:
    """The routes over a store that something has been projected into."""
    models, instances = Models(state), InstanceQueries(state)
    app = FastAPI()
    answer_problems(app)
    app.include_router(api.router(InsightQueries(state, models), instances, models, workspace_of(_TOKENS)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
        yield Insights(client, workspace)


def counted(document: Json) -> Json:
    """As the oracle counts, but for the lists behind the drop-offs: only how long they are."""
    return {
        "instances": document["instances"],
        "byStatus": _by(document["byStatus"], "status"),
        "funnel": [(one["phase"], one["reached"], one["continued"], one["dropped"]) for one in document["funnel"]],
        "flow": _by(document["flow"]["edges"], "from", "to"),
        "hops": {dimension: _by(hops, "from", "to") for dimension, hops in document["hops"].items()},
        "dropOffs": _by(document["dropOffs"], "phase", "reason", "device"),
    }


def without_lists(expected: Json) -> Json:
    """The oracle's counts, with the lengths of the lists behind the drop-offs."""
    return expected | {"dropOffs": {way: len(names) for way, names in expected["dropOffs"].items()}}


def check_gaps(document: Json, chosen: list[Walk]) -> None:
    """The median time of each edge is at most 2 % off, and START and END have none."""
    exact = {pair: median(times) for pair, times in gaps(chosen).items()}
    told = {(one["from"], one["to"]): one["medianGap"] for one in document["flow"]["edges"]}
    assert {pair for pair, gap in told.items() if gap is not None} == set(exact)
    wrong = {pair: (told[pair], gap) for pair, gap in exact.items() if abs(microseconds(told[pair]) - gap) > 0.02 * gap}
    assert wrong == {}


def _by(rows: list[Json], *names: str) -> dict[Any, int]:
    """Counts by what tells the rows apart; no two rows are about the same."""
    found = {row[names[0]] if len(names) == 1 else tuple(row[name] for name in names): row["count"] for row in rows}
    assert len(found) == len(rows)
    return found
