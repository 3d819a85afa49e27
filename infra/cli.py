"""The command `klantreis`."""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from infra.chassis.data_folder import FolderUnusable
from infra.chassis.errors import Problem
from infra.chassis.serving import DEFAULT_HOST, DEFAULT_PORT, PortTaken
from infra.chassis.settings import LogSettings
from infra.chassis.telemetry import configure_logging
from infra.demo.command import demo
from infra.local.history import commands
from infra.local.history.failures import BadMapping, Failure, FileUnusable, KeyMissing

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(demo)
app.command("import")(commands.import_history)
app.command("export")(commands.export_history)
_say = Console(highlight=False, soft_wrap=True)
_complain = Console(stderr=True, highlight=False, soft_wrap=True)

Host = Annotated[str, typer.Option(help="The address to listen on; 127.0.0.1 is this machine alone.")]
Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="The port; 0 takes a free one.")]


class Service(StrEnum):
    GATEWAY = "gateway"
    PERSONAS = "personas"
    JOURNEYS = "journeys"
    EVENTS = "events"


@app.command()
def up(host: Host = DEFAULT_HOST, port: Port = DEFAULT_PORT) -> None:
    """Runs everything in one process, on SQLite unless KLANTREIS_*_DATABASE_URL name PostgreSQL."""
    from infra.local.run import run  # noqa: PLC0415  - a help text needs no services

    _log_from("WARNING")
    _finish(run(host, port, _say))


@app.command()
def serve(service: Service, host: Host = DEFAULT_HOST, port: Port = DEFAULT_PORT) -> None:
    """Runs one service as a process of its own, over HTTP."""
    import importlib  # noqa: PLC0415

    _log_from("INFO")
    module = "gateway" if service is Service.GATEWAY else f"services.{service}"
    started = importlib.import_module(f"{module}.__main__").main(
        host, port, lambda address: _say.print(f"Klantreis {service} listens on {address}")
    )
    _finish(started)


@app.command()
def project(
    host: Host = DEFAULT_HOST,
    port: Annotated[
        int | None,
        typer.Option(envvar="PORT", min=0, max=65535, help="The port for its health and metrics; 0 takes a free one."),
    ] = None,
) -> None:
    """Runs a projector: it turns the log into customers, journeys and timelines. Several share the work."""
    from services.events.projector.process import run, serve  # noqa: PLC0415
    from services.events.settings import ProcessSettings  # noqa: PLC0415

    _log_from("INFO")
    settings = ProcessSettings()
    if port is None:
        run(settings)
    else:
        _finish(serve(settings, host, port, lambda address: _say.print(f"Klantreis projector listens on {address}")))


@app.command()
def keys(
    source: Annotated[str, typer.Argument(help="The source that the key is for, such as website or api.")],
    secret: Annotated[bool, typer.Option(help="A secret key for a server, instead of a write key.")] = False,
    workspace: Annotated[str, typer.Option(help="The workspace of the source.")] = "default",
) -> None:
    """Makes a new key for a source and shows it, this once. Former keys stay valid."""
    from infra.local.keys import new_key  # noqa: PLC0415

    _say.print(asyncio.run(new_key(workspace, source, secret=secret)))


@app.command()
def progress(
    watch: Annotated[bool, typer.Option(help="Shows bars, until everything is visible.")] = False,
) -> None:
    """Says how far reality is processed: what of the log is visible, and which journeys are being rebuilt."""
    from infra.local.progress import show_progress  # noqa: PLC0415

    _log_from("WARNING")
    asyncio.run(show_progress(_say, watch=watch))


@app.command()
def replay() -> None:
    """Makes every projection again from the log, beside those in use, and then puts it in their place."""
    from infra.local.replay import run_replay  # noqa: PLC0415

    _log_from("WARNING")
    _finish(run_replay(_say))


@app.command()
def doctor(
    customers: Annotated[int, typer.Option(min=1, help="How many customers to fold anew, chosen at random.")] = 1_000,
    everybody: Annotated[bool, typer.Option("--all", help="Folds all customers anew.")] = False,
    seed: Annotated[int | None, typer.Option(help="Chooses the customers of an earlier run again.")] = None,
) -> None:
    """Compares what is stored with what the log means; exits with 1 if anything differs. Changes nothing."""
    import secrets  # noqa: PLC0415

    from infra.local.doctor import run_doctor  # noqa: PLC0415
    from services.events.doctor import Options  # noqa: PLC0415

    _log_from("WARNING")
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    _finish(run_doctor(_say, Options(None if everybody else customers, chosen)))


@app.command()
def migrate() -> None:
    """Brings the databases of all services to the newest revision. Starting a service does this too."""
    from infra.local.migrate import migrate_all  # noqa: PLC0415

    _log_from("WARNING")
    for name in asyncio.run(migrate_all()):
        _say.print(f"{name}: up to date")


def _log_from(level: str) -> None:
    configure_logging(LogSettings().log_level or level)


def _finish(started: bool) -> None:
    if not started:
        raise typer.Exit(1)


def main() -> None:
    """Says what is wrong and what to do about it, without a traceback, for what an operator can mend."""
    try:
        app()
    except (FolderUnusable, PortTaken, Problem) as problem:
        _complain.print(str(problem))
        raise SystemExit(os.EX_TEMPFAIL) from problem
    except Failure as failure:
        _complain.print(escape(str(failure)))
        codes = {BadMapping: os.EX_USAGE, KeyMissing: os.EX_USAGE, FileUnusable: os.EX_DATAERR}
        raise SystemExit(codes.get(type(failure), os.EX_TEMPFAIL)) from failure
    except ValidationError as problem:
        for flaw in problem.errors():
            name = "KLANTREIS_" + "_".join(str(part) for part in flaw["loc"]).upper()
            _complain.print(f"{name}: {flaw['msg'].removeprefix('Value error, ')}")
        raise SystemExit(os.EX_CONFIG) from problem
