"""Which pages may open WebSockets: browsers ask nobody before they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from strawberry.http.websocket_origin import is_same_origin, normalize_origin


class Origins:
    def __init__(self, allowed: Collection[str], *, everyone: bool) -> None:
        """`everyone`: any page may, whatever is allowed."""
        self._allowed = frozenset(allowed)
        self._everyone = everyone or "*" in self._allowed

    def allow(self, headers: Mapping[str, str]) -> bool:
        """Clients that are no browsers name no origin; pages of our own host are at home."""
        origin = headers.get("origin")
        if origin is None or self._everyone or is_same_origin(origin, headers.get("host")):
            return True
        return normalize_origin(origin) in self._allowed
