"""What libraries in browsers ask for before they send anything: where to, and whether at all."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from infra.chassis.clock import Clock, to_rfc3339
from infra.chassis.errors import Unauthenticated
from infra.chassis.http import JSONResponse
from services.events.control.domain import Principal
from services.events.control.keyring import KeyRing
from services.events.intake.callers import caller_of, public_caller
from services.events.intake.entrance import Endpoint, Entrance

_SEGMENT_PATH = re.compile(r"/v1/projects/([^/]+)/settings/?")
_SEGMENT_TEMPLATE = "/v1/projects/{writeKey}/settings"
_CACHED = {"Cache-Control": "private, max-age=60"}


class LibrarySettings:
    """Answers Segment's `GET /v1/projects/{writeKey}/settings` and RudderStack's `GET /sourceConfig/`."""

    def __init__(self, keys: KeyRing, clock: Clock, public_url: str | None) -> None:
        """`public_url` is where browsers find us; None: wherever they say that they found us."""
        self._keys = keys
        self._clock = clock
        self._public_url = public_url
        self.of_rudderstack = Entrance("GET", self._rudderstack)

    def entrance_at(self, path: str) -> Entrance | None:
        """Segment's path has the key in it."""
        found = _SEGMENT_PATH.fullmatch(path)
        return Entrance("GET", self._segment(found[1]), template=_SEGMENT_TEMPLATE) if found else None

    def _segment(self, key: str) -> Endpoint:
        async def settings(request: Request) -> Response:
            await public_caller(key, self._keys)
            scheme, _, rest = (self._public_url or str(request.base_url).rstrip("/")).partition("://")
            return JSONResponse(_segment_document(key, scheme, rest), headers=_CACHED)

        return settings

    async def _rudderstack(self, request: Request) -> Response:
        caller = await caller_of(request, self._keys)
        if caller is None:
            raise Unauthenticated("Give the write key in `Authorization`, or as `writeKey` in the address.")
        key = request.query_params.get("writeKey", "")
        document = _rudderstack_document(caller, key, to_rfc3339(self._clock()))
        return JSONResponse(document, headers=_CACHED | {"Vary": "Authorization"})


def _segment_document(key: str, scheme: str, rest: str) -> dict[str, Any]:
    """Without an address of ours the library would send to Segment itself, so a paused source has one too."""
    ours = {"apiKey": key, "apiHost": f"{rest}/v1", "protocol": scheme}
    return {"integrations": {"Segment.io": ours}, "plan": {}, "analyticsNextEnabled": True}


def _rudderstack_document(caller: Principal, key: str, now: str) -> dict[str, Any]:
    """The least that the library takes: nowhere to send to but us, and nothing to report about itself."""
    silent = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    source = {
        "id": caller.source,
        "name": caller.source,
        "writeKey": key,
        "enabled": not caller.paused,
        "workspaceId": caller.workspace,
        "updatedAt": now,
        "config": {"statsCollection": silent},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
    }
    return {"source": source}
