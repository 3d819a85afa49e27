"""`klantreis up`."""

from __future__ import annotations

import json

from rich.console import Console

from infra.chassis import serving
from infra.chassis.data_folder import DataFolder
from infra.local.app import create_app
from infra.local.settings import Settings


def run(host: str, port: int, say: Console) -> bool:
    """Serves the platform until it is told to stop; whether it could start, and finish.

    Raises FolderUnusable and PortTaken.
    """
    settings = Settings()
    DataFolder(settings.data).probe()
    credentials = settings.data / "credentials.json"
    first_start = not credentials.exists()

    def on_ready(address: str) -> None:
        say.print(f"[bold]Klantreis[/bold] runs on {address}  (GraphQL: {address}/graphql)")
        if first_start and settings.environment == "development":  # elsewhere what is said is kept by others
            made = json.loads(credentials.read_text())
            say.print(f"Keys were made: write key {made['writeKey']}, admin key {made['adminKey']}")
        say.print(f"Keys are in {credentials}; stop with Ctrl+C.")

    app = create_app(settings)
    return serving.run(app, host, port, on_ready, on_stopping=app.end_streams)
