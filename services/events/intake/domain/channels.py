"""Through which channel an event came, where nobody says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
_BROWSER_LIBRARIES = ("analytics.js", "RudderLabs JavaScript SDK")
_APP_DEVICES = ("android", "ios")
"""What libraries in apps call the device; nobody else does."""
_KINDS = {"page": "web", "screen": "app"}


def likely_channel(kind: str, place: str | None, campaign: str | None) -> str | None:
    """By where the customer was, else by what they were reached: a page that a mail led to is `web`."""
    return place or _KINDS.get(kind) or campaign


def place_of(context: Mapping[str, Any]) -> str | None:
    """Where a context shows the customer to have been: on a website, in an app, or we cannot tell."""
    if _member(context, "library", "name") in _BROWSER_LIBRARIES or isinstance(_member(context, "page", "url"), str):
        return "web"
    device = _member(context, "device", "type")
    return "app" if isinstance(device, str) and device.lower() in _APP_DEVICES else None


def campaign_of(context: Mapping[str, Any]) -> str | None:
    """The medium of the campaign that a context names, if it is a usual channel."""
    medium = _member(context, "campaign", "medium")
    return medium.lower() if isinstance(medium, str) and medium.lower() in _USUAL else None


def _member(context: Mapping[str, Any], name: str, member: str) -> Any:
    holder = context.get(name)
    return holder.get(member) if isinstance(holder, dict) else None
