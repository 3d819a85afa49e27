"""The front door over HTTP: answers, keys, encodings and limits; what is acknowledged stands in the log."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.events.access import AUDIENCE
from services.events.intake.position import Place
from services.events.intake.slots import Recorded, Refused
from tests.events.intake.calls import NOW, track
from tests.events.intake.door import TOKENS, Door, problem

Json = dict[str, Any]
GOOD = {"userId": "u", "event": "Seen"}

EMPTY_OBJECT = gzip.compress(b"{}", mtime=0)  # the same in every worker of a run


@pytest.mark.parametrize("kind", ["track", "identify", "page", "screen", "group", "alias"])
async def test_single_calls(door: Door, kind: str) -> None:
    for path in (f"/v1/{kind}", f"/v1/{kind}/", f"/v1/{kind[0]}", f"/v1/{kind[0]}/"):
        answer = await door.send(path, GOOD)
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "position": answer.headers["Klantreis-Position"], "results": []}
        assert answer.headers["Content-Type"] == "application/json"
        assert [(event.kind, event.identifiers) for event in await door.events(answer)] == [(kind, (("user_id", "u"),))]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/import", "/beacon/v1/batch"])
async def test_batches(door: Door, path: str) -> None:
    answer = await door.send(path, {"batch": [track(messageId="1"), track(messageId="2", type="page")]})
    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert [(event.message_id, event.kind) for event in await door.events(answer)] == [("1", "track"), ("2", "page")]


async def test_an_empty_batch_logs_nothing(door: Door) -> None:
    answer = await door.send("/v1/batch", {"batch": []})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "position": None, "results": []})
    assert "Klantreis-Position" not in answer.headers


async def test_metrics_are_thanked_for_and_not_stored(door: Door) -> None:
    answer = await door.send("/v1/m", b"anything")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "position": None, "results": []})
    assert await door.is_empty()


async def test_positions_grow(door: Door) -> None:
    answers = [await door.send("/v1/track", GOOD) for _ in range(3)]
    positions = [Place.parse(answer.json()["position"]) for answer in answers]
    assert positions == sorted(set(positions))


async def test_one_bad_event_never_spoils_its_batch(door: Door) -> None:
    bad = {"type": "track", "messageId": "2", "event": "Seen"}
    answer = await door.send("/v1/batch", {"batch": [track(messageId="1"), bad, track(messageId="3")]})
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {
            "index": 1,
            "messageId": "2",
            "status": "REJECTED",
            "code": "NO_IDENTIFIER",
            "message": "The event says of nobody that it is about them: give `userId` or `anonymousId`.",
            "path": [],
        }
    ]
    first, refused, last = await door.slots(answer)
    assert isinstance(first, Recorded)
    assert isinstance(last, Recorded)
    message = answer.json()["results"][0]["message"]
    assert refused == Refused("website", NOW + 1, "NO_IDENTIFIER", message, (), json.dumps(bad).encode())


BAD_EVENTS: dict[str, tuple[bytes, str, list[str], str | None]] = {
    "large": (json.dumps(track(messageId="x", properties={"x": "y" * 400_000})).encode(), "TOO_LARGE", [], "x"),
    "NaN": (
        b'{"type":"track","userId":"u","event":"e","properties":{"x":NaN}}',
        "BAD_VALUE",
        ["properties", "x"],
        None,
    ),
    "Infinity": (b'{"messageId":"x","traits":{"x":-Infinity}}', "BAD_VALUE", ["traits", "x"], "x"),
    "out of range": (b'{"type":"track","properties":{"x":1e400}}', "BAD_VALUE", ["properties", "x"], None),
    "U+0000": (b'{"messageId":"x","context":{"x":"\\u0000"}}', "BAD_VALUE", ["context", "x"], "x"),
    "U+0000 in the id": (b'{"messageId":"\\u0000"}', "BAD_VALUE", ["messageId"], None),
    "half a pair": (b'{"messageId":"\\ud800","userId":"u"}', "BAD_VALUE", ["messageId"], None),
    "the other half": (b'{"messageId":"x","properties":{"x":["\\udfff"]}}', "BAD_VALUE", ["properties", "x", "0"], "x"),
    "not UTF-8": (b'{"messageId":"x","properties":{"x":"\xff"}}', "BAD_VALUE", ["properties", "x"], "x"),
    "deep": (b'{"messageId":"x","properties":' + b"[" * 1_000 + b"]" * 1_000 + b"}", "BAD_VALUE", [], None),
    "no object": (b"5", "BAD_VALUE", [], None),
    "null": (b"null", "BAD_VALUE", [], None),
    "wrong shape": (b'{"type":"track","messageId":"x","properties":5}', "BAD_VALUE", ["properties"], "x"),
    "wrong time": (
        b'{"type":"track","messageId":"x","userId":"u","timestamp":"soon"}',
        "BAD_TIMESTAMP",
        ["timestamp"],
        "x",
    ),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
async def test_bad_events_are_kept_beside_their_neighbours(door: Door, name: str) -> None:
    sent, code, path, message_id = BAD_EVENTS[name]
    good = json.dumps(track(messageId="good")).encode()
    answer = await door.send("/v1/batch", b'{"batch":[%b,%b , %b]}' % (good, sent, good))
    assert answer.status_code == 200
    (result,) = answer.json()["results"]
    found = {key: value for key, value in result.items() if key != "message"}
    assert found == {"index": 1, "messageId": message_id, "status": "REJECTED", "code": code, "path": path}
    assert [event.message_id for event in await door.events(answer)] == ["good", "good"]
    (refused,) = await door.refusals(answer)
    assert (refused.code, refused.path, refused.message, refused.body) == (code, tuple(path), result["message"], sent)


async def test_a_bad_single_call_answers_200_with_its_rejection(door: Door) -> None:
    answer = await door.send("/v1/track", b'{"userId":"u","event":"e","properties":{"x":NaN}}')
    assert answer.status_code == 200
    assert [(result["index"], result["code"]) for result in answer.json()["results"]] == [(0, "BAD_VALUE")]


async def test_odd_but_good_values_are_kept_unchanged(door: Door) -> None:
    properties = b'{"big":9007199254740993,"bigger":123456789012345678901234567890,"text":"\\u00e9 \xf0\x9f\x98\x80"}'
    call = b'{"userId":9007199254740993,"event":"Seen","timestamp":"1970-01-01T00:00:00Z","properties":%b}'
    (event,) = await door.events(await door.send("/v1/track", call % properties))
    assert (event.identifiers, event.occurred_at) == ((("user_id", "9007199254740993"),), 0)
    assert event.properties == properties


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"batch":[', "MALFORMED_JSON"),
        (b"", "MALFORMED_JSON"),
        (b"a=b&c=d", "MALFORMED_JSON"),
        (b'{"batch":5}', "BAD_BODY"),
        (b"[]", "BAD_BODY"),
    ],
)
async def test_unusable_bodies(door: Door, body: bytes, code: str) -> None:
    assert problem(await door.send("/v1/batch", body)) == (400, code)
    assert await door.is_empty()


async def test_a_batch_of_2501_is_refused_whole(door: Door) -> None:
    assert problem(await door.send("/v1/batch", {"batch": [GOOD] * 2_501})) == (413, "TOO_LARGE")
    assert await door.is_empty()


async def test_a_body_has_at_most_4_mib(door: Door) -> None:
    filler = b" " * ((4 << 20) - len(json.dumps({"batch": [track()]})))
    body = json.dumps({"batch": [track()]}).encode() + filler
    assert (await door.send("/v1/batch", body)).status_code == 200
    answer = await door.send("/v1/batch", body + b" ")
    assert problem(answer) == (413, "TOO_LARGE")
    assert "4,194,304 bytes" in answer.json()["detail"]


class TestEncodings:
    async def test_gzip(self, door: Door) -> None:
        body = gzip.compress(json.dumps({"batch": [track()]}).encode())
        for encoding in ("gzip", "GZIP", "x-gzip"):
            answer = await door.send("/v1/batch", body, headers={"Content-Encoding": encoding})
            assert len(await door.events(answer)) == 1

    async def test_a_gzip_bomb_is_refused(self, door: Door) -> None:
        bomb = gzip.compress(b'{"batch":["' + b" " * (64 << 20))
        assert len(bomb) < 100_000
        answer = await door.send("/v1/batch", bomb, headers={"Content-Encoding": "gzip"})
        assert problem(answer) == (413, "TOO_LARGE")

    @pytest.mark.parametrize(
        "body", [b"", b"not gzip", EMPTY_OBJECT[:-1], EMPTY_OBJECT + b"x", EMPTY_OBJECT * 3], ids=range(5)
    )
    async def test_broken_gzip(self, door: Door, body: bytes) -> None:
        answer = await door.send("/v1/batch", body, headers={"Content-Encoding": "gzip"})
        assert problem(answer) == (400, "MALFORMED_GZIP")

    async def test_other_encodings(self, door: Door) -> None:
        answer = await door.send("/v1/batch", b"", headers={"Content-Encoding": "br"})
        assert problem(answer) == (415, "UNSUPPORTED_ENCODING")
        assert (await door.send("/v1/track", GOOD, headers={"Content-Encoding": "identity"})).status_code == 200

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/json;charset=UTF-8", "text/plain", "application/x-www-form-urlencoded", ""],
    )
    async def test_the_content_type_is_not_looked_at(self, door: Door, content_type: str) -> None:
        answer = await door.send("/v1/track", GOOD, headers={"Content-Type": content_type})
        assert answer.status_code == 200


class TestKeys:
    async def test_every_way_to_present_one(self, door: Door) -> None:
        write, admin = door.keys.write_key, door.keys.admin_key
        basic = base64.b64encode(f"{write}:".encode()).decode()
        ways: list[tuple[str, bool, dict[str, str], Json]] = [
            ("website", False, {"Authorization": f"Basic {basic}"}, {}),
            ("website", False, {"Authorization": f"basic {basic}"}, {"writeKey": "ignored"}),
            ("website", False, {"Authorization": f"Bearer {write}"}, {}),
            ("website", False, {}, {"writeKey": write}),
            ("api", True, {"Authorization": f"Bearer {admin}"}, {}),
            ("api", True, {}, {"writeKey": admin}),
        ]
        for source, verified, headers, members in ways:
            for path, body in (("/v1/track", GOOD | members), ("/v1/batch", {"batch": [track()]} | members)):
                answer = await door.send(path, body, auth=None, headers=headers)
                (event,) = await door.events(answer)
                assert (event.source, event.verified) == (source, verified)

    async def test_one_in_the_address_is_what_a_page_sends_as_it_closes(self, door: Door) -> None:
        path = f"/beacon/v1/batch?writeKey={door.keys.write_key}"
        answer = await door.send(path, {"batch": [track()]}, auth=None, headers={"Content-Type": "text/plain"})
        assert [event.source for event in await door.events(answer)] == ["website"]

    async def test_secret_ones_do_not_belong_in_an_address(self, door: Door) -> None:
        answer = await door.send(f"/v1/track?writeKey={door.keys.admin_key}", GOOD, auth=None)
        assert problem(answer) == (403, "FORBIDDEN")
        assert await door.is_empty()

    @pytest.mark.parametrize(
        "authorization",
        [
            "Bearer wk_unknown",
            "Bearer",
            "Bearer " + "x" * 1_000,
            "Basic " + base64.b64encode(b"wk_unknown:").decode(),
            "Basic " + base64.b64encode(b":").decode(),
            "Basic " + base64.b64encode(b"\xff:").decode(),
            "Basic ?",
            "Digest x",
            "",
        ],
    )
    async def test_unknown_ones(self, door: Door, authorization: str) -> None:
        body = GOOD | {"writeKey": door.keys.write_key}
        answer = await door.send("/v1/track", body, auth=None, headers={"Authorization": authorization})
        assert problem(answer) == (401, "UNAUTHENTICATED")
        assert await door.is_empty()

    @pytest.mark.parametrize(
        "key", [None, "", "wk_unknown", 5, "\ud800", "wk_\ud800aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
    )
    async def test_unknown_ones_in_the_body(self, door: Door, key: object) -> None:
        assert problem(await door.send("/v1/track", GOOD | {"writeKey": key}, auth=None)) == (401, "UNAUTHENTICATED")
        assert problem(await door.send("/v1/batch", {"batch": [], "writeKey": key}, auth=None)) == (
            401,
            "UNAUTHENTICATED",
        )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods(door: Door, method: str) -> None:
    answer = await door.client.request(method, "/v1/track")
    assert problem(answer) == (405, "METHOD_NOT_ALLOWED")


async def test_other_routes(door: Door) -> None:
    assert problem(await door.send("/v1/tracks", GOOD)) == (404, "NOT_FOUND")
    assert problem(await door.send("/v1/track//", GOOD)) == (404, "NOT_FOUND")


async def test_a_body_that_arrives_in_pieces(door: Door) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(GOOD).encode():
            yield bytes([byte])

    answer = await door.client.post("/v1/track", content=pieces(), auth=(door.keys.write_key, ""))
    assert len(await door.events(answer)) == 1


async def test_what_a_batch_says_for_all_its_events(door: Door) -> None:
    batch = {
        "batch": [track(), track(context={"channel": "app"}, sentAt="2026-11-22T12:00:00Z")],
        "context": {"channel": "shop", "app": 1},
        "sentAt": "2026-11-22T11:00:00Z",
    }
    first, second = await door.events(await door.send("/v1/batch", batch))
    assert (first.channel, first.sent_at) == ("shop", NOW - 3_600_000_000)
    assert (second.channel, second.sent_at) == ("app", NOW)
    assert json.loads(second.context) == {"channel": "app", "app": 1}


@pytest.mark.parametrize(
    ("call", "sent_at"),
    [({}, NOW - 3_600_000_000), ({"sentAt": "2026-11-22T12:00:00Z"}, NOW), ({"sentAt": None}, NOW - 3_600_000_000)],
)
async def test_when_it_was_sent_may_stand_in_a_header(door: Door, call: Json, sent_at: int) -> None:
    headers = {"SentAt": "2026-11-22T11:00:00.000Z"}
    (single,) = await door.events(await door.send("/v1/track", GOOD | call, headers=headers))
    (of_batch,) = await door.events(await door.send("/v1/batch", {"batch": [track()], **call}, headers=headers))
    assert [single.sent_at, of_batch.sent_at] == [sent_at, sent_at]


async def test_a_batch_sent_at_nobody_knows_when_is_taken(door: Door) -> None:
    (event,) = await door.events(await door.send("/v1/batch", {"batch": [track()], "sentAt": "soon"}))
    assert event.sent_at is None


class TestInternal:
    async def test_every_event_has_a_result(self, door: Door) -> None:
        good = {"messageId": "1", "name": "Seen", "identifiers": [{"type": "user_id", "value": "u"}]}
        answer = await door.record("website", [good, good | {"messageId": "2", "identifiers": []}])
        assert answer.json() == {
            "accepted": 1,
            "rejected": 1,
            "position": answer.headers["Klantreis-Position"],
            "results": [
                {"index": 0, "messageId": "1", "status": "ACCEPTED", "code": None, "message": None, "path": []},
                {
                    "index": 1,
                    "messageId": "2",
                    "status": "REJECTED",
                    "code": "NO_IDENTIFIER",
                    "message": "The event says of nobody that it is about them: give `userId` or `anonymousId`.",
                    "path": [],
                },
            ],
        }
        (event,) = await door.events(answer)
        assert (event.source, event.verified) == ("website", True)
        assert door.waited_for == []

    async def test_trust_and_waiting(self, door: Door) -> None:
        good = {"messageId": "1", "name": "Seen", "identifiers": [{"type": "user_id", "value": "u"}]}
        answer = await door.record("api", [good], trust="CLAIMED", wait=True)
        (event,) = await door.events(answer)
        assert event.verified is False
        assert [(workspace, place.token()) for workspace, place in door.waited_for] == [
            ("default", answer.json()["position"])
        ]

    async def test_nothing_to_record(self, door: Door) -> None:
        answer = await door.record("api", [], wait=True)
        assert answer.json() == {"accepted": 0, "rejected": 0, "position": None, "results": []}
        assert door.waited_for == []

    async def test_refusals(self, door: Door) -> None:
        assert problem(await door.record("nobody", [])) == (404, "UNKNOWN_SOURCE")
        assert problem(await door.record("api", [], trust="GUESSED")) == (400, "BAD_BODY")
        assert problem(await door.record("api", [{}] * 2_501)) == (413, "TOO_LARGE")
        for headers, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, '*')}"}, 403),
            ({"Authorization": f"Bearer {TOKENS.mint('journeys', 'default')}"}, 401),
            ({"Authorization": f"Bearer {door.keys.admin_key}"}, 401),
        ):
            answer = await door.client.post("/internal/events", content=b"{}", headers=headers)
            assert answer.status_code == status
        assert await door.is_empty()


async def test_a_log_that_cannot_be_written_answers_503(door: Door) -> None:
    async with door.database.write() as connection:  # the table goes away under a running service
        await connection.exec_driver_sql("ALTER TABLE log RENAME TO gone")
    answer = await door.send("/v1/track", GOOD)
    assert problem(answer) == (503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"
