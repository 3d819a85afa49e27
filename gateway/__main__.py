"""`python -m gateway`: the gateway as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from gateway.app import create_app
from gateway.settings import ProcessSettings
from gateway.streams.feed import RemoteFeeds
from infra.chassis import serving
from infra.chassis.auth import ServiceTokens
from infra.chassis.upstream import EndlessUpstream, OverHttp, Upstream


def main(host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Serves until it is told to stop; whether it could start, and finish."""
    settings = ProcessSettings()
    personas = Upstream("personas", OverHttp(settings.personas_url))
    journeys = Upstream("journeys", OverHttp(settings.journeys_url))
    events = Upstream("events", OverHttp(settings.events_url))
    tokens = ServiceTokens(settings.signing_key.get_secret_value())
    streams = EndlessUpstream("events", OverHttp(settings.events_url, connections=None))
    feeds = RemoteFeeds(streams, tokens)
    app = create_app(settings, personas=personas, journeys=journeys, events=events, feeds=feeds, tokens=tokens)
    closings = [personas.close, journeys.close, events.close, streams.close]
    return serving.run(app, host, port, on_ready, closings, on_stopping=app.end_subscriptions)


if __name__ == "__main__":
    serving.main(main)
