"""`klantreis keys`."""

from __future__ import annotations

from infra.chassis.clock import system_clock
from infra.local.settings import Settings, events_settings
from services.events.control.domain import KeyKind
from services.events.control.handlers import make_key
from services.events.control.store import ControlStore
from services.events.stores import Stores


async def new_key(workspace: str, source: str, *, secret: bool) -> str:
    """A key that is not stored anywhere but as a digest. Raises NotFound for an unknown source."""
    stores = Stores(events_settings(Settings()))
    async with stores.opened():
        kind = KeyKind.SECRET if secret else KeyKind.WRITE
        return await make_key(ControlStore(stores.log), workspace, source, kind, system_clock)
