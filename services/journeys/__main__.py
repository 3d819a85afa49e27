"""`python -m services.journeys`: the service as a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from infra.chassis import serving
from services.journeys.app import create_app
from services.journeys.settings import ProcessSettings


def main(host: str, port: int, on_ready: Callable[[str], None]) -> bool:
    """Serves until it is told to stop; whether it could start, and finish."""
    return serving.run(create_app(ProcessSettings()), host, port, on_ready)


if __name__ == "__main__":
    serving.main(main)
