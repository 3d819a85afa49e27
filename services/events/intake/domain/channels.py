"""Through which channel an event came, where nobody says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_USUAL = frozenset(
    {
        "app",
        "chat",
        "comparison",
        "email",
        "fair",
        "forum",
        "messenger",
        "phone",
        "post",
        "review",
        "shop",
        "social",
        "video",
        "web",
    }
)
_BROWSER_LIBRARIES = frozenset({"RudderLabs JavaScript SDK", "analytics.js"})
_APP_DEVICES = frozenset({"android", "ios"})
"""What libraries in apps call the device; nobody else does."""
_KINDS = {"page": "web", "screen": "app"}


class Clues(NamedTuple):
    """What a context gives away about the channel."""

    place: str | None = None
    """Where the customer was."""
    campaign: str | None = None
    """By what they were reached. It counts where nothing says where they were: a page that a mail led to is `web`."""

    def channel(self, kind: str) -> str | None:
        """The likely channel of an event of this kind."""
        return self.place or _KINDS.get(kind) or self.campaign


NO_CLUES = Clues()


def read_clues(context: Mapping[str, Any]) -> Clues:
    place = None
    if _text(context, "library", "name") in _BROWSER_LIBRARIES or _text(context, "page", "url"):
        place = "web"
    elif _text(context, "device", "type").lower() in _APP_DEVICES:
        place = "app"
    medium = _text(context, "campaign", "medium").lower()
    return Clues(place, medium if medium in _USUAL else None)


def _text(context: Mapping[str, Any], name: str, member: str) -> str:
    holder = context.get(name)
    found = holder.get(member) if isinstance(holder, dict) else None
    return found if isinstance(found, str) else ""
