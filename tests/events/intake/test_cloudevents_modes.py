"""CloudEvents over HTTP: what each of the three modes means, and what no mode takes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.events.intake.domain.event import MAX_EVENT_BYTES
from services.events.intake.slots import Recorded
from tests.events.intake.calls import NOW
from tests.events.intake.door import Door, problem
from tests.events.intake.test_cloudevents import ABSENT, Json, cloud_event

PAYLOADS = Path(__file__).parents[4] / "shared" / "data" / "payloads" / "cloudevents"
JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
Header = tuple[str | bytes, str | bytes]


async def send_batch(door: Door, events: list[Any] | bytes, **options: Any) -> httpx.Response:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    return await door.send(options.pop("path", "/v1/events"), body, headers={"Content-Type": BATCHED}, **options)


async def send_one(door: Door, event: Json | bytes, path: str = "/v1/events", **headers: str) -> httpx.Response:
    return await door.send(path, event, headers={"Content-Type": STRUCTURED} | headers)


async def send_headers(door: Door, *headers: Header, body: bytes = b"", path: str = "/v1/events") -> httpx.Response:
    """In headers and body; a header named here replaces that of an event that is fine."""
    fine: list[Header] = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/crm"), ("ce-type", "order.paid")]
    given = {name for name, _value in headers}
    rest = [(name, value) for name, value in [*fine, ("ce-userid", "u")] if name not in given]
    return await door.send(path, body, headers=[*rest, *headers])


def results(answer: httpx.Response) -> list[tuple[int, str, list[str]]]:
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    return [(one["index"], one["code"], one["path"]) for one in answer.json()["results"]]


async def test_one_event_in_all_modes_is_the_same_event(door: Door) -> None:
    data = '{"naam": "Zoë 😀", "big": 123456789012345678901234567890}'.encode()
    whole = json.dumps(cloud_event(subject="a b", datacontenttype=JSON)).encode()[:-1] + b',"data":' + data + b"}"
    answers = [
        await send_headers(door, ("ce-subject", "a%20b"), ("Content-Type", JSON), body=data),
        await send_one(door, whole),
        await send_batch(door, b"[" + whole + b"]"),
    ]
    events = [event for answer in answers for event in await door.events(answer)]
    assert events == [events[0]] * 3
    assert events[0].message_id == "/crm 1"
    assert events[0].properties == data
    for answer in answers:
        assert answer.json() == {"success": True, "position": answer.headers["Klantreis-Position"], "results": []}


MODES = [
    *((STRUCTURED, 1), ("application/cloudevents+json; charset=utf-8", 1), ("Application/CloudEvents+JSON ;x=y", 1)),
    *((BATCHED, 2), ("APPLICATION/cloudevents-batch+json;charset=UTF-8", 2)),
]


@pytest.mark.parametrize(("content_type", "count"), MODES)
async def test_the_content_type_tells_the_mode(door: Door, content_type: str, count: int) -> None:
    body = json.dumps(cloud_event() if count == 1 else [cloud_event()] * count).encode()
    answer = await door.send("/v1/events/", body, headers={"Content-Type": content_type, "ce-id": "ignored"})
    assert results(answer) == []
    assert [event.message_id for event in await door.events(answer)] == ["/crm 1"] * count


OTHER_FORMATS = [
    *("application/cloudevents", "application/cloudevents+avro", "application/cloudevents+json+x"),
    *("application/cloudevents-batch", "application/cloudevents-batch+xml"),
]


@pytest.mark.parametrize("content_type", OTHER_FORMATS)
async def test_other_formats_than_json_are_told_so(door: Door, content_type: str) -> None:
    answer = await door.send("/v1/events", cloud_event(), headers={"Content-Type": content_type})
    assert problem(answer) == (415, "UNSUPPORTED_FORMAT")


async def test_what_is_no_cloud_event_at_all(door: Door) -> None:
    for headers in ({"Content-Type": JSON}, {}):
        assert problem(await door.send("/v1/events", cloud_event(), headers=headers)) == (400, "NO_CLOUD_EVENT")
    assert await door.is_empty()


HEADERS: list[tuple[str | bytes, str]] = [
    ("plain", "plain"),
    ("two words", "two words"),
    ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
    ("%e2%82%ac", "€"),
    ("%70%6C%61in", "plain"),
    ("100%25", "100%"),
    ("%2525", "%25"),
    ('"two words"', "two words"),
    (r'"a \"quoted\" \\ word"', r'a "quoted" \ word'),
    ('"%22%20%25"', '" %'),
    (r'"\%41"', "A"),
    ("a+b&c=d;e,f", "a+b&c=d;e,f"),
    (r"back\slash", r"back\slash"),
    ("'single'", "'single'"),
]


@pytest.mark.parametrize(("sent", "value"), HEADERS)
async def test_headers_are_unquoted_and_then_percent_decoded_once(door: Door, sent: str, value: str) -> None:
    [event] = await door.events(await send_headers(door, ("ce-subject", sent)))
    assert json.loads(event.context)["cloudevent"]["subject"] == value


BAD_HEADERS: list[Header] = [
    ("ce-subject", "%C0%A0"),  # an overlong encoding of a space
    ("ce-subject", "%FF"),
    ("ce-subject", "%E2%82"),
    ("ce-subject", "%ED%A0%80"),  # half a surrogate pair
    ("ce-subject", "%F4%90%80%80"),  # beyond Unicode
    ("ce-subject", "100%"),
    ("ce-subject", "%4"),
    ("ce-subject", "%zz"),
    ("ce-subject", "% 41"),
    ("ce-subject", '"no end'),
    ("ce-subject", 'no beginning"'),
    ("ce-subject", '"two" "quotes"'),
    ("ce-subject", 'say "hi"'),
    ("ce-subject", '"no end\\"'),
    ("ce-subject", '"'),
    ("ce-type", "Kopje koffie ☕".encode()),
    ("ce-type", "café".encode("latin-1")),
    ("ce-subject", b"delete\x7f"),
    ("ce-datacontenttype", JSON),
    ("ce-data", "{}"),
    ("ce-data_base64", "e30="),
]


@pytest.mark.parametrize(("name", "sent"), BAD_HEADERS)
async def test_headers_that_nobody_can_decode(door: Door, name: str, sent: str | bytes) -> None:
    assert problem(await send_headers(door, (name, sent))) == (400, "BAD_HEADER")
    assert await door.is_empty()


async def test_an_attribute_has_one_header(door: Door) -> None:
    answer = await send_headers(door, ("ce-subject", "a"), ("CE-Subject", "b"))
    assert problem(answer) == (400, "BAD_HEADER")


REFUSED: list[tuple[Header, str, list[str]]] = [
    (("ce-specversion", "0.3"), "BAD_VALUE", ["specversion"]),
    (("ce-id", ""), "BAD_VALUE", ["id"]),
    (("ce-source", "two words"), "BAD_VALUE", ["source"]),
    (("ce-subject", "%00"), "BAD_VALUE", ["subject"]),
    (("ce-subject", "%C2%85"), "BAD_VALUE", ["subject"]),
    (("ce-time", "yesterday"), "BAD_TIMESTAMP", ["time"]),
    (("ce-my_extension", "x"), "BAD_VALUE", ["my_extension"]),
    (("ce-", "x"), "BAD_VALUE", [""]),
    (("Content-Type", "json"), "BAD_VALUE", ["datacontenttype"]),
    (("Content-Type", b"caf\xe9"), "BAD_VALUE", ["datacontenttype"]),
    (("ce-userid", "null"), "NO_IDENTIFIER", []),
]


@pytest.mark.parametrize(("header", "code", "path"), REFUSED)
async def test_an_event_in_headers_that_is_refused_is_kept_in_its_json_form(
    door: Door, header: Header, code: str, path: list[str]
) -> None:
    answer = await send_headers(door, header, body=b'{"a": 1}')
    assert results(answer) == [(0, code, path)]
    [kept] = await door.refusals(answer)
    again = await send_one(door, kept.body)
    assert results(again) == [(0, code, path)]
    assert [one.body for one in await door.refusals(again)] == [kept.body]


@pytest.mark.parametrize(
    ("content_type", "body", "properties"),
    [
        (None, b"", b""),
        (JSON, b"", b""),
        (None, b'{"a": 1}', b'{"a": 1}'),
        ("application/json; charset=utf-8", b' \n{"a": 1}\n', b'{"a": 1}'),
        ("application/vnd.x+json", b"[1]", b'{"data":[1]}'),
        (JSON, b"null", b""),
        (JSON, b'"I\'m just a string"', b'{"data":"I\'m just a string"}'),
        ("text/plain;charset=UTF-8", '{"é": 1}'.encode(), '{"data":"{\\"é\\": 1}"}'.encode()),
        ("application/xml", b'<much wow="xml"/>', b'{"data":"<much wow=\\"xml\\"/>"}'),
        ("text/plain", b"\xe9", b'{"data_base64":"6Q=="}'),
        ("application/octet-stream", b"abc", b'{"data_base64":"YWJj"}'),
        ("application/x-www-form-urlencoded", b"a=1", b'{"data_base64":"YT0x"}'),
    ],
)
async def test_the_body_is_the_data(door: Door, content_type: str | None, body: bytes, properties: bytes) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]
    [event] = await door.events(await send_headers(door, *headers, body=body))
    assert event.properties == properties


@pytest.mark.parametrize("body", [b'{"a":', b"no JSON", b'{}, "type": "other"', b"1 2", b"\xef\xbb\xbf{}"])
async def test_a_body_that_should_be_json_and_is_not(door: Door, body: bytes) -> None:
    assert problem(await send_headers(door, ("Content-Type", JSON), body=body)) == (400, "MALFORMED_JSON")
    assert problem(await send_one(door, body)) == (400, "MALFORMED_JSON")
    assert problem(await send_batch(door, b"[" + body)) == (400, "MALFORMED_JSON")
    assert await door.is_empty()


@pytest.mark.parametrize("body", [b"{}", b"null", b"5", b'"[]"'])
async def test_a_batch_is_a_list(door: Door, body: bytes) -> None:
    assert problem(await send_batch(door, body)) == (400, "BAD_BODY")


@pytest.mark.parametrize("body", [b"[]", b"null", b"5"])
async def test_one_event_is_an_object(door: Door, body: bytes) -> None:
    assert problem(await send_one(door, body)) == (400, "BAD_BODY")


async def test_a_batch_may_be_empty(door: Door) -> None:
    answer = await send_batch(door, b" [ ] ")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "position": None, "results": []})


BAD_EVENTS: list[tuple[bytes, str, list[str], str | None]] = [
    (json.dumps(cloud_event(data={"x": "y" * 400_000})).encode(), "TOO_LARGE", [], "/crm 1"),
    (b'{"specversion":"1.0","id":"7","source":"/a","data":{"x":NaN}}', "BAD_VALUE", ["data", "x"], "/a 7"),
    (b'{"specversion":"1.0","id":"7","source":"/\xff"}', "BAD_VALUE", ["source"], "/\ufffd 7"),
    (b'{"specversion":"1.0","id":"\\ud800","source":"/a"}', "BAD_VALUE", ["id"], None),
    (b'{"specversion":"1.0","id":7,"source":"/a","type":"x"}', "BAD_VALUE", ["id"], None),
    (b'{"specversion":null}', "BAD_VALUE", ["specversion"], None),
    (b'{"data":' + b"[" * 1_000 + b"]" * 1_000 + b"}", "BAD_VALUE", [], None),
    (json.dumps(cloud_event(userid=ABSENT)).encode(), "NO_IDENTIFIER", [], "/crm 1"),
    (b"null", "BAD_VALUE", [], None),
]


@pytest.mark.parametrize(("sent", "code", "path", "message_id"), BAD_EVENTS)
async def test_one_bad_event_never_spoils_its_batch(
    door: Door, sent: bytes, code: str, path: list[str], message_id: str | None
) -> None:
    good = json.dumps(cloud_event()).encode()
    answer = await send_batch(door, b"[%b, %b ,%b]" % (good, sent, good))
    (result,) = answer.json()["results"]
    found = {key: value for key, value in result.items() if key != "message"}
    assert found == {"index": 1, "messageId": message_id, "status": "REJECTED", "code": code, "path": path}
    first, _refused, last = await door.slots(answer)
    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    assert (first.received_at, last.received_at) == (NOW, NOW + 2)
    assert [one.body for one in await door.refusals(answer)] == [sent]


async def test_limits_of_a_request(door: Door) -> None:
    assert problem(await send_batch(door, [{}] * 2_501)) == (413, "TOO_LARGE")
    assert problem(await send_batch(door, b"[" + b"NaN," * 2_500 + b"NaN]")) == (413, "TOO_LARGE")
    assert len(results(await send_batch(door, [{}] * 2_500))) == 2_500
    assert problem(await send_headers(door, ("Content-Type", "image/png"), body=b"x" * (4 << 20) + b"x")) == (
        413,
        "TOO_LARGE",
    )
    large = await send_headers(door, ("Content-Type", "image/png"), body=b"x" * 400_000)
    assert results(large) == [(0, "TOO_LARGE", [])]


async def test_gzip(door: Door) -> None:
    packed = gzip.compress(json.dumps(cloud_event()).encode())
    assert results(await send_one(door, packed, **{"Content-Encoding": "gzip"})) == []
    assert problem(await send_one(door, packed, **{"Content-Encoding": "br"})) == (415, "UNSUPPORTED_ENCODING")
    headers: list[Header] = [("Content-Type", JSON), ("Content-Encoding", "gzip")]
    [event] = await door.events(await send_headers(door, *headers, body=gzip.compress(b'{"a":1}')))
    assert event.properties == b'{"a":1}'


async def test_keys(door: Door) -> None:
    async def send(path: str = "/v1/events", authorization: str | None = None) -> httpx.Response:
        headers = {"Content-Type": STRUCTURED} | ({"Authorization": authorization} if authorization else {})
        return await door.client.post(path, content=json.dumps(cloud_event()), headers=headers)

    write, admin = door.keys.write_key, door.keys.admin_key
    basic = base64.b64encode(f"{admin}:".encode()).decode()
    ways = {
        "website": await send(f"/v1/events?writeKey={write}"),
        "api": await send(authorization=f"Bearer {admin}"),
    }
    for source, answer in ways.items():
        [event] = await door.events(answer)
        assert (event.source, event.verified) == (source, source == "api")
    assert (await send(authorization=f"Basic {basic}")).status_code == 200
    assert problem(await send()) == (401, "UNAUTHENTICATED")
    assert problem(await send(authorization="Bearer wk_nobody")) == (401, "UNAUTHENTICATED")
    assert problem(await send(f"/v1/events?writeKey={admin}")) == (403, "FORBIDDEN")


async def test_the_address_says_what_subjects_are(door: Door) -> None:
    answer = await send_headers(door, ("ce-userid", ""), ("ce-subject", "C-7"), path="/v1/events?subject=crm_id")
    assert [event.identifiers for event in await door.events(answer)] == [(("crm_id", "C-7"),)]
    answer = await send_headers(door, ("ce-userid", ""), ("ce-subject", "C-7"), path="/v1/events?subject=")
    assert results(answer) == [(0, "NO_IDENTIFIER", [])]


@pytest.mark.parametrize("told", ["%00crm_id", "crm%0Aid", "%C2%85", "c" * 65])
async def test_what_subjects_are_is_short_and_can_be_stored(door: Door, told: str) -> None:
    """PostgreSQL cannot keep U+0000: the projector would never get past it."""
    answer = await send_batch(door, [cloud_event(subject="C-7")], path=f"/v1/events?subject={told}")
    assert problem(answer) == (400, "BAD_SUBJECT")
    assert (await send_one(door, cloud_event(), f"/v1/events?subject={'c' * 64}")).status_code == 200


async def test_other_methods_and_pages(door: Door) -> None:
    answer = await door.client.get("/v1/events")
    assert problem(answer) == (405, "METHOD_NOT_ALLOWED")
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "ce-id,ce-type"}
    preflight = await door.client.options("/v1/events", headers=asked)
    assert preflight.headers["Access-Control-Allow-Headers"] == "ce-id,ce-type"


async def test_headers_hold_no_more_than_an_event(door: Door) -> None:
    whole = 3 * MAX_EVENT_BYTES
    for headers in ([("ce-x", "%41" * MAX_EVENT_BYTES)], [(f"ce-x{number}", "y" * 90) for number in range(2_000)]):
        assert problem(await send_headers(door, *headers)) == (413, "TOO_LARGE")
    answer = await send_headers(door, ("x", "y" * whole), ("ce-x", "%41" * (MAX_EVENT_BYTES - 200)))
    assert results(answer) == []


async def test_headers_made_to_be_slow(door: Door) -> None:
    async with asyncio.timeout(20):
        for value in ('"' + "\\" * 50_000, "%41" * 20_000 + "%", "text/x" + "; \t" * 20_000 + "="):
            answer = await send_headers(door, ("ce-subject", value), ("Content-Type", value))
            assert problem(answer) == (400, "BAD_HEADER") if value[0] != "t" else results(answer) != []


@pytest.mark.real_data
@pytest.mark.skipif(not PAYLOADS.exists(), reason="needs ../shared/data/payloads")
@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_payloads_that_nobody_on_this_project_made_up(door: Door, mode: str) -> None:
    sample = json.loads((PAYLOADS / f"{mode}.json").read_text())
    answer = await door.send("/v1/events?subject=cart", sample["body"].encode(), headers=sample["headers"])
    [event] = await door.events(answer)
    assert (event.message_id, event.name) == ("/webshop/nl A234-1234-1234", "com.example.checkout.abandoned")
    assert event.identifiers == (("cart", "cart/123"),)
    assert event.occurred_at == 1_522_949_460_000_000
    assert json.loads(event.properties) == {"cartId": "123", "total": 59.95, "currency": "EUR"}
    assert json.loads(event.context)["cloudevent"]["dataschema"] == "https://example.com/schema/1"
