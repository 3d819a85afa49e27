"""Opening bodies: what spoils a request, and what spoils only one event of it."""

from __future__ import annotations

import pytest

from infra.chassis.errors import Problem
from services.events.intake.bodies import Opened, open_batch, open_call

DEEP = b"[" * 3_000 + b"]" * 3_000


async def refused(body: bytes, *, batch: bool = True) -> tuple[int, str, str]:
    with pytest.raises(Problem) as caught:
        await (open_batch(body) if batch else open_call(body))
    return caught.value.status, caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("body", "opened"),
    [
        (b'{"batch":[]}', Opened([], None, None, b"", plain=True)),
        (
            b' {"batch" : [ {"a":1} , 5 ], "writeKey":"wk_1","sentAt":"now","context":{"a": 1}} ',
            Opened([b'{"a":1}', b"5"], "wk_1", "now", b'{"a":1}', plain=True),
        ),
        (b'{"batch":[{}],"writeKey":5,"context":null}', Opened([b"{}"], None, None, b"", plain=True)),
        (b'{"batch":["\\u0000"]}', Opened([b'"\\u0000"'], None, None, b"", plain=False)),
        # and what msgspec refuses
        (
            b'{"sentAt":"now","batch":[{"a":NaN}, {"b":1},Infinity ],"writeKey":"wk_1","context":{"a": 1}}',
            Opened([b'{"a":NaN}', b'{"b":1}', b"Infinity"], "wk_1", "now", b'{"a": 1}'),
        ),
        (b'{"batch":[{"a":"\\ud800"},"\xff"]}', Opened([b'{"a":"\\ud800"}', b'"\xff"'], None, None, b"")),
        (b'{"batch":[' + DEEP + b',{"b":1}]}', Opened([DEEP, b'{"b":1}'], None, None, b"")),
        (b'{"batch":[NaN],"other":' + DEEP + b"}", Opened([b"NaN"], None, None, b"")),
        (b'{"batch":[[["]"],"\\"]"],' + DEEP + b"]}", Opened([b'[["]"],"\\"]"]', DEEP], None, None, b"")),
    ],
)
async def test_batches(body: bytes, opened: Opened) -> None:
    assert await open_batch(body) == opened


@pytest.mark.parametrize(
    ("body", "write_key"),
    [
        (b'{"writeKey":"wk_1","a":1}', "wk_1"),
        (b"{}", None),
        (b'{"writeKey":null}', None),
        (b'{"a":NaN,"writeKey":"wk_1"}', "wk_1"),
        (b'{"a":' + DEEP + b',"writeKey":"wk_1"}', "wk_1"),
    ],
)
async def test_calls(body: bytes, write_key: str | None) -> None:
    assert await open_call(body) == Opened([body], write_key, None, b"")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", 0),
        (b"{", 1),
        (b"nonsense", 0),
        (b'{"batch":[{"a":1}', 17),
        (b'{"batch":[{"a":1},]}', 18),
        (b'{"batch":[{"a" 1}]}', 15),
        (b'{"batch":[{"a":01}]}', 16),
        (b'{"batch":[NaN]} {}', 16),
        (b'{"batch":[NaN],}', 15),
        (b'{"batch":[NaN],5:1}', 15),
        (b'{"batch":["\x01"]}', 11),
        (b'{"batch":["\xc3\xa9", nil]}', 16),
        (b'{"batch":[' + b"[" * 3_000, 3_010),
        (b"\xef\xbb\xbf{}", 0),
        ('{"batch":[]}'.encode("utf-16"), 0),
    ],
)
async def test_malformed_json_is_told_with_its_place(body: bytes, place: int) -> None:
    assert await refused(body) == (400, "MALFORMED_JSON", f"The body is not sound JSON: see byte {place}.")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"5",
        b"NaN",
        b"null",
        DEEP,
        b"{}",
        b'{"batch":{}}',
        b'{"batch":null}',
        b'{"batch":"x"}',
        b'{"batch":[],"context":[]}',
        b'{"batch":[NaN],"context":5}',
        b'{"batch":[NaN],' + b",".join(b'"%d":1' % number for number in range(1_000)) + b"}",
    ],
)
async def test_bodies_of_another_form(body: bytes) -> None:
    status, code, _message = await refused(body)
    assert (status, code) == (400, "BAD_BODY")


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"NaN", DEEP])
async def test_calls_of_another_form(body: bytes) -> None:
    status, code, _message = await refused(body, batch=False)
    assert (status, code) == (400, "BAD_BODY")


@pytest.mark.parametrize("event", [b"{}", b"NaN"])
async def test_a_batch_holds_at_most_2500_events(event: bytes) -> None:
    most = b'{"batch":[' + b",".join([event] * 2_500) + b"]}"
    assert len((await open_batch(most)).events) == 2_500
    more = most[:-2] + b"," + event + b"]}"
    assert (await refused(more))[:2] == (413, "TOO_LARGE")
