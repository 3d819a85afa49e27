"""What the gateway counts, besides requests."""

from __future__ import annotations

from prometheus_client import Gauge

SUBSCRIPTIONS = Gauge("klantreis_subscriptions", "Subscriptions that are told what happens, over whatever transport.")
