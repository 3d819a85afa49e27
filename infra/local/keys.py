"""`klantreis keys`."""

from __future__ import annotations

from infra.chassis.clock import system_clock
from infra.chassis.errors import Forbidden
from infra.local.settings import Settings, events_settings
from services.events.control.domain import KeyKind, Trust
from services.events.control.handlers import make_key
from services.events.control.store import ControlStore
from services.events.stores import Stores


async def new_key(workspace: str, source: str, *, secret: bool) -> str:
    """A key that is not stored anywhere but as a digest. Raises NotFound for an unknown source,
    Forbidden for a write key of a trusted one.
    """
    stores = Stores(events_settings(Settings()))
    async with stores.opened():
        store = ControlStore(stores.log)
        known = await store.source(workspace, source)
        if known is not None and known.trust is Trust.VERIFIED and not secret:
            raise Forbidden(f"Source {source!r} vouches for what it says; a public write key may not. Add --secret.")
        return await make_key(store, workspace, source, KeyKind.SECRET if secret else KeyKind.WRITE, system_clock)
