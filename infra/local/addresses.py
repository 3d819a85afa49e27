"""Where a platform is that commands speak to, and with which key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from infra.local.history.failures import KeyMissing


class Address(NamedTuple):
    url: str
    key: str


def is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(url: str, key: str | None, folder: Path) -> Address:
    """With the admin key of the data folder unless one is given: that is told to this machine alone.

    Raises KeyMissing.
    """
    if key is not None:
        return Address(url, key)
    credentials = folder / "credentials.json"
    if not is_this_machine(url):
        raise KeyMissing(
            f"Give a secret key of {url} in KLANTREIS_KEY: {credentials} is for platforms of this machine."
        )
    try:
        made: Mapping[str, Any] = json.loads(credentials.read_text())
        return Address(url, made["adminKey"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyMissing(f"Give a secret key in KLANTREIS_KEY: there is none in {credentials}.") from error
