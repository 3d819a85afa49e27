"""`python -m gateway`: the gateway as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from gateway.app import create_app
from gateway.settings import ProcessSettings
from infra.chassis import serving
from infra.chassis.auth import ServiceTokens
from infra.chassis.http import Upstream, open_client


def main(host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Serves until it is told to stop; whether it could start."""
    settings = ProcessSettings()
    personas = Upstream("personas", open_client(settings.personas_url))
    journeys = Upstream("journeys", open_client(settings.journeys_url))
    events = Upstream("events", open_client(settings.events_url))
    tokens = ServiceTokens(settings.signing_key.get_secret_value())
    app = create_app(settings, personas=personas, journeys=journeys, events=events, tokens=tokens)
    return serving.run(app, host, port, on_ready, [personas.close, journeys.close, events.close])


if __name__ == "__main__":
    serving.main(main)
