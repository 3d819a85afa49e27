"""How rows are packed, and how far an import has come."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from infra.local.addresses import Address
from infra.local.history.exporting import export
from infra.local.history.failures import SendingFailed
from infra.local.history.journal import Done, Journal
from infra.local.history.plan import Item
from infra.local.history.sending import Platform, packed


def items(count: int, size: int = 20, source: str | None = None) -> list[Item]:
    body = json.dumps({"x": "y" * size}).encode()
    return [Item(number, number, body, source) for number in range(1, count + 1)]


def test_parcels_hold_what_a_request_may() -> None:
    found = list(packed(items(6_000), None))
    assert [([len(parcel.items) for parcel in parcels], last) for parcels, last in found] == [
        ([2_500], 2_500),
        ([2_500], 5_000),
        ([1_000], 6_000),
    ]
    found = list(packed(items(10, size=900_000), None))
    assert [last for _parcels, last in found] == [4, 8, 10]
    assert max(len(gzip.decompress(parcel.body)) for parcels, _last in found for parcel in parcels) <= 4 << 20
    assert list(packed([], None)) == []


def test_a_parcel_is_a_batch_of_one_source() -> None:
    some = [item._replace(source=source) for item, source in zip(items(4), ["a", None, "a", "b"], strict=True)]
    [(parcels, last)] = packed(some, None)
    assert last == 4
    assert [(parcel.source, [item.number for item in parcel.items]) for parcel in parcels] == [
        ("a", [1, 3]),
        (None, [2]),
        ("b", [4]),
    ]
    assert json.loads(gzip.decompress(parcels[0].body)) == {"batch": [json.loads(some[0].body)] * 2}
    [(parcels, _last)] = packed(some, "mine")
    assert [(parcel.source, len(parcel.items)) for parcel in parcels] == [("mine", 4)]


def test_a_journal_is_of_one_file_as_it_is_and_of_one_way(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("one")
    journal = Journal(tmp_path, file, "there")
    assert journal.read() == Done(0, 0)
    journal.write(Done(5, 1))
    assert Journal(tmp_path, file, "there").read() == Done(5, 1)
    assert Journal(tmp_path, file, "elsewhere").read() == Done(0, 0)
    file.write_text("three")
    assert Journal(tmp_path, file, "there").read() == Done(0, 0)
    journal.forget()
    journal.forget()
    assert journal.read() == Done(0, 0)


async def test_whoever_answers_but_is_not_klantreis_is_asked_for_nothing_more(tmp_path: Path) -> None:
    async def shop(_request: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome to our shop</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        [(parcels, _last)] = packed(items(1), None)
        with pytest.raises(SendingFailed, match="Is this the address of Klantreis"):
            async with Platform(url, "sk_x") as platform:
                await platform.send(parcels)
        with pytest.raises(SendingFailed, match="Is this the address of Klantreis"):
            await export(Address(url, "sk_x"), "events.csv", {}, tmp_path / "events.csv", Console(quiet=True))
    assert not (tmp_path / "events.csv").exists()
