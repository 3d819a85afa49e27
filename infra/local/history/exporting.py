"""`klantreis export`: what a running platform tells, into a file, as it comes."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import aiohttp
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from infra.chassis.upstream import Answer, Call, OverHttp
from infra.local.addresses import Address
from infra.local.history.failures import SendingFailed
from infra.local.history.sending import said

_SECONDS = 300.0  # of silence: before the first event of a long log is found that is wanted
_CHUNK = 256 * 1024
_LEVEL = 1  # higher ones take more time than reading the events


async def export(address: Address, name: str, query: Mapping[str, str], path: Path, say: Console) -> None:
    """`name` as in the address of an export. The file is there when it is whole, for nobody else to read; one that ends
    in `.gz` is compressed.

    Raises SendingFailed, and OSError for a file that cannot be written.
    """
    begun = path.with_name(f"{path.name}.part")
    begun.unlink(missing_ok=True)  # what stands there may be somebody else's to read
    with (
        os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written,
        _compressing(written) if path.suffix == ".gz" else nullcontext(written) as file,
        _bars(say) as bars,
    ):
        task = bars.add_task(path.name, total=None)
        async for chunk in _chunks(address, name, query):
            file.write(chunk)
            bars.advance(task, len(chunk))
    begun.replace(path)


def _compressing(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file, "wb", _LEVEL))


async def _chunks(address: Address, name: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    http = OverHttp(address.url)
    headers = {"Authorization": f"Bearer {address.key}"}
    try:
        async with http.request(Call("GET", f"/v1/export/{name}", headers, query, within=_SECONDS)) as response:
            if response.status != 200 or "Content-Disposition" not in response.headers:  # else it is somebody's page
                raise SendingFailed(said(Answer(response.status, await response.read())))
            async for chunk in response.content.iter_chunked(_CHUNK):
                yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise SendingFailed(f"{address.url} did not answer to the end ({type(error).__name__}).") from error
    finally:
        await http.close()


def _bars(say: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn(), console=say)
