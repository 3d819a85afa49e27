"""`python -m services.events`: the service as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from infra.chassis import serving
from infra.chassis.upstream import OverHttp, Upstream
from services.events.app import create_app
from services.events.settings import ProcessSettings


def main(host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Serves until it is told to stop; whether it could start, and finish."""
    settings = ProcessSettings()
    journeys = Upstream("journeys", OverHttp(settings.journeys_url)) if settings.journeys_url else None
    personas = Upstream("personas", OverHttp(settings.personas_url)) if settings.personas_url else None
    app = create_app(settings, journeys=journeys, personas=personas)
    closings = [upstream.close for upstream in (journeys, personas) if upstream]
    return serving.run(app, host, port, on_ready, closings, on_stopping=app.feeds.end)


if __name__ == "__main__":
    serving.main(main)
