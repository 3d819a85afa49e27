"""What running processes have counted, as operators read it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.platform import Platform, until

Samples = Mapping[tuple[str, str], float]
_SECONDS = 30.0


def samples(address: str) -> Samples:
    """Everything of ours that a process has counted, by name and labels."""
    answer = httpx.get(f"{address}/metrics", timeout=10)
    assert answer.status_code == 200
    families = [one for one in text_string_to_metric_families(answer.text) if one.name.startswith("klantreis_")]
    return {
        (sample.name, ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "le")): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def until_told(platform: Platform, subscriptions: int) -> None:
    """Waits until so many subscriptions are told what happens, over all transports."""
    address = platform.graphql_url.removesuffix("/graphql")
    until(
        lambda: samples(address)["klantreis_subscriptions", ""] == subscriptions,
        _SECONDS,
        f"{subscriptions} subscriptions are told what happens",
    )
