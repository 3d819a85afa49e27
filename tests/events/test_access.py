"""The internal routes open for service tokens only, and for nothing beyond what the token names."""

from __future__ import annotations

import httpx
from fastapi import Depends, FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, EVERY_WORKSPACE, every_workspace, workspace_of

TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
FOREIGN = ServiceTokens("another signing key that is long enough")


def client() -> httpx.AsyncClient:
    app = FastAPI()
    answer_problems(app)

    @app.get("/one")
    async def one(workspace: str = Depends(workspace_of(TOKENS))) -> str:
        return workspace

    @app.get("/all", dependencies=[Depends(every_workspace(TOKENS))])
    async def all_of_them() -> str:
        return "all"

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events")


async def test_a_token_opens_what_it_names() -> None:
    one, everything = TOKENS.mint(AUDIENCE, "default"), TOKENS.mint(AUDIENCE, EVERY_WORKSPACE)
    cases = [
        ("/one", f"Bearer {one}", 200, "default"),
        ("/one", f"bearer {one}", 200, "default"),
        ("/all", f"Bearer {everything}", 200, "all"),
        ("/one", f"Bearer {everything}", 403, "FORBIDDEN"),
        ("/all", f"Bearer {one}", 403, "FORBIDDEN"),
        ("/one", f"Bearer {TOKENS.mint('journeys', 'default')}", 401, "UNAUTHENTICATED"),
        ("/one", f"Bearer {FOREIGN.mint(AUDIENCE, 'default')}", 401, "UNAUTHENTICATED"),
        ("/one", f"Basic {one}", 401, "UNAUTHENTICATED"),
        ("/one", "Bearer", 401, "UNAUTHENTICATED"),
        ("/all", "", 401, "UNAUTHENTICATED"),
    ]
    async with client() as http:
        for path, credential, status, answer in cases:
            response = await http.get(path, headers={"Authorization": credential})
            told = response.json() if status == 200 else response.json()["code"]
            assert (response.status_code, told) == (status, answer), credential
        assert (await http.get("/one")).status_code == 401
