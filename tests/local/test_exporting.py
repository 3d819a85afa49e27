"""What is left on disk while an export comes, and if it breaks off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from infra.local.addresses import Address
from infra.local.history.exporting import export
from infra.local.history.failures import SendingFailed

WHOLE = b"id,customer\r\n"


@asynccontextmanager
async def desk(*, breaks_off: bool = False) -> AsyncIterator[Address]:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Disposition": "attachment"})
        await response.prepare(request)
        await response.write(WHOLE)
        if breaks_off and request.transport is not None:
            request.transport.close()
        return response

    app = web.Application()
    app.router.add_get("/v1/export/events.csv", answer)
    async with TestServer(app) as server:
        yield Address(str(server.make_url("")), "sk_key")


async def exported(to: Path, *, breaks_off: bool = False) -> None:
    async with desk(breaks_off=breaks_off) as address:
        await export(address, "events.csv", {}, to, Console(quiet=True))


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
async def test_what_stood_in_the_place_of_the_unfinished_file_does_not_get_it(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """A file that everybody may read, or a link to one, could have been put there by anybody."""
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"")
    theirs.chmod(0o666)
    file = tmp_path / "events.csv"
    link(file.with_name("events.csv.part"), theirs)
    await exported(file)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (WHOLE, 0o600)
    assert (theirs.read_bytes(), file.is_symlink()) == (b"", False)


async def test_an_export_that_breaks_off_is_no_file(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    with pytest.raises(SendingFailed, match="did not answer to the end"):
        await exported(file, breaks_off=True)
    assert not file.exists()
    assert file.with_name("events.csv.part").read_bytes() == WHOLE
