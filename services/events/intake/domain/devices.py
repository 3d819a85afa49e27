"""On what kind of device an event happened, as far as a browser or an app tells. Pure.

`mobile`, `tablet`, `desktop`, `tv`, `console`, `watch`, and `bot` for crawlers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from ua_parser import Domain
from ua_parser.loaders import load_lazy_builtins
from ua_parser.re2 import Resolver

_LONGEST_USER_AGENT = 512
"""In characters. What tells devices apart stands in front, and reading is paid for by length."""
_KNOWN = 4_096

_BY_SYSTEM = {
    "ATV OS X": "tv",
    "BlackBerry OS": "mobile",
    "BlackBerry Tablet OS": "tablet",
    "Chrome OS": "desktop",
    "FireHbbTV": "tv",
    "Firefox OS": "mobile",
    "KaiOS": "mobile",
    "Kindle": "tablet",
    "Linux": "desktop",
    "Mac OS": "desktop",
    "Mac OS X": "desktop",
    "Roku": "tv",
    "Tizen": "tv",
    "WatchOS": "watch",
    "Web0S": "tv",
    "Windows": "desktop",
    "Windows Mobile": "mobile",
    "Windows Phone": "mobile",
    "tvOS": "tv",
    "webOS": "tv",
}
"""Where the operating system says it all."""
_BY_FAMILY = {
    "Generic Feature Phone": "mobile",
    "Generic Smartphone": "mobile",
    "Generic Tablet": "tablet",
    "iPad": "tablet",
}
_DESKTOP_PLATFORMS = ("Chrome OS", "Chromium OS", "Linux", "Windows", "macOS")


def device_of_hints(hints: Mapping[str, Any]) -> str | None:
    """By what `navigator.userAgentData` says (User-Agent Client Hints); None if it leaves that open."""
    mobile, platform = hints.get("mobile"), hints.get("platform")
    if mobile is True:
        return "mobile"
    if mobile is False and platform == "Android":
        return "tablet"
    return "desktop" if mobile is False and platform in _DESKTOP_PLATFORMS else None


def device_of_user_agent(user_agent: str) -> str | None:
    """By what a browser calls itself; None for programs and for what nobody knows."""
    return _device_of(user_agent[:_LONGEST_USER_AGENT])


@lru_cache(_KNOWN)
def _device_of(user_agent: str) -> str | None:
    found = _resolver()(user_agent, Domain.OS | Domain.DEVICE)
    family, brand = (found.device.family, found.device.brand) if found.device else ("", None)
    if brand == "Spider":
        return "bot"
    if "Xbox" in user_agent or family.startswith(("PlayStation", "Nintendo")):
        return "console"
    if family in _BY_FAMILY:
        return _BY_FAMILY[family]
    system = found.os.family if found.os else ""
    if system == "iOS":
        return "mobile"
    if system == "Android":
        return _of_android(user_agent)
    # Of the Unix systems there are too many to name, but their browsers all run under X11.
    return _BY_SYSTEM.get(system) or ("desktop" if system and "X11" in user_agent else None)


def _of_android(user_agent: str) -> str | None:
    """Browsers on phones say `Mobile`, those on tablets do not. Apps say neither."""
    if "Mobile" in user_agent:
        return "mobile"
    return "tablet" if user_agent.startswith("Mozilla/") else None


@cache
def _resolver() -> Resolver:
    """Made when first needed: it takes a tenth of a second and 15 MB. RE2 reads in linear time, whatever is sent."""
    _browsers, systems, devices = load_lazy_builtins()
    return Resolver(([], systems, devices))
