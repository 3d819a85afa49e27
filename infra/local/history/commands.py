"""The commands `import` and `export`, as they stand on a command line."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.chassis.serving import DEFAULT_PORT
from infra.local.addresses import address
from infra.local.history.failures import SendingFailed

_say = Console(highlight=False, soft_wrap=True)


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    XES = "xes"


class What(StrEnum):
    EVENTS = "events"
    INSTANCES = "instances"


Url = Annotated[str, typer.Option("--url", envvar="KLANTREIS_URL", help="Where the platform runs.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="KLANTREIS_KEY", help="A secret key; without one, the admin key in the data folder."),
]
FormatOption = Annotated[Format | None, typer.Option("--format", help="Unless the name of the file tells.")]
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


def import_history(
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or XES; .gz is decompressed.")],
    column: Annotated[
        list[str] | None,
        typer.Option(help="What a column becomes: 'customer no=identifiers.user_id'. May be said several times."),
    ] = None,
    constant: Annotated[list[str] | None, typer.Option(help="The same in all events: channel=shop.")] = None,
    others: Annotated[str | None, typer.Option(help="Columns of which nothing is said: properties or ignore.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="A YAML file that says all this.")] = None,
    format: FormatOption = None,
    source: Annotated[str | None, typer.Option(help="Whose history it is; else the file's or the key's.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between fields, unless the header tells.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1252; utf-8 unless told.")] = None,
    time_format: Annotated[str | None, typer.Option(help="Of moments: '%d-%m-%Y %H:%M'; ISO 8601 unless told.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Of moments that name none: Europe/Amsterdam.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Says what would become of it, and sends nothing.")
    ] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Loads history into the running platform. Nobody who follows it is told. Interrupted, it goes on where it was."""
    from infra.local.history import importing, told  # noqa: PLC0415
    from infra.local.settings import Settings  # noqa: PLC0415

    options = {
        "columns": told.pairs(column or (), "--column"),
        "constants": told.constants(constant or ()),
        "others": others,
        "delimiter": delimiter,
        "encoding": encoding,
        "time_format": time_format,
        "timezone": timezone,
    }
    order = told.order(file, format, told.read_told(options).over(told.read_file(mapping)), source)
    found = importing.check(order, _say, whole=dry_run)
    if found.is_hopeless:
        _say.print("Nothing was sent: none of these rows is an event.")
    if dry_run or found.is_hopeless:
        raise typer.Exit(1 if found.rejected else 0)
    folder = Settings().data
    try:
        whole = asyncio.run(importing.send(order, address(url, key, folder), folder, _say))
    except KeyboardInterrupt:
        _say.print("Interrupted: the same command goes on where this one stopped.")
        whole = False
    except SendingFailed as failure:
        raise SendingFailed(f"{failure} The same command goes on where this one stopped.") from failure
    if not whole:
        raise typer.Exit(1)


def export_history(
    what: Annotated[What, typer.Argument(help="Events, or the instances of journeys.")],
    file: Annotated[Path, typer.Argument(help="Where to: .csv, .jsonl or .xes; .gz is compressed.")],
    journey: Annotated[str | None, typer.Option(help="Only its instances, or events that they took.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Only what happened, or began, then or later.")] = None,
    before: Annotated[str | None, typer.Option("--to", help="Only what happened, or began, before.")] = None,
    format: FormatOption = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Writes events or instances of the running platform into a file, however many there are."""
    from infra.local.history import told  # noqa: PLC0415
    from infra.local.history.exporting import export  # noqa: PLC0415
    from infra.local.settings import Settings  # noqa: PLC0415

    name = f"{what}.{told.format_of(file, format)}"
    query = {name: value for name, value in (("journey", journey), ("from", since), ("to", before)) if value}
    try:
        asyncio.run(export(address(url, key, Settings().data), name, query, file, _say))
    except KeyboardInterrupt:
        _say.print("Interrupted: the file is not whole, and ends in .part.")
        raise typer.Exit(1) from None
