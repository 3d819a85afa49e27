"""The Segment wire form: every line of the contract's details as a table of cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.events.intake.domain.context import flaw_of_shared
from services.events.intake.slots import Recorded
from tests.events.intake.calls import NOW, SECOND, event_of, judge_call, track

Json = dict[str, Any]
U = ("user_id", "u")


def test_a_whole_event() -> None:
    call = track(
        anonymousId="a",
        timestamp="2026-11-22T11:59:00.25Z",
        sentAt="2026-11-22T12:00:01Z",
        properties={"sku": "x"},
        context={"channel": "Shop", "device": {"type": "iOS"}, "sequence": 7, "traits": {"plan": "gold"}},
        integrations={"All": True},
    )
    assert event_of(call, verified=True) == Recorded(
        source="website",
        message_id="m",
        kind="track",
        name="Seen",
        channel="Shop",
        device="mobile",
        identifiers=(U, ("anonymous_id", "a")),
        verified=True,
        occurred_at=NOW - 60 * SECOND + 250_000,
        original_timestamp=NOW - 60 * SECOND + 250_000,
        sent_at=NOW + SECOND,
        received_at=NOW,
        clamped=False,
        sequence=7,
        properties=b'{"sku": "x"}',
        context=json.dumps(call["context"]).encode(),
        traits=b'{"plan": "gold"}',
    )


NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("members", "identifiers"),
    [
        ({}, [U]),
        ({"anonymousId": "a"}, [U, ("anonymous_id", "a")]),
        ({"userId": None, "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": "", "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": 7}, [("user_id", "7")]),
        ({"userId": 7.0}, [("user_id", "7")]),
        ({"userId": 7.5}, [("user_id", "7.5")]),
        ({"userId": 1e21}, [("user_id", "1000000000000000000000")]),
        ({"userId": 1.5e-7}, [("user_id", "0.00000015")]),
        ({"userId": 2**53 + 1}, [("user_id", "9007199254740993")]),
        ({"userId": 10**30}, [("user_id", "1" + "0" * 30)]),
        ({"userId": -3}, [("user_id", "-3")]),
        ({"userId": " u "}, [("user_id", " u ")]),
        ({"userId": "Ünï"}, [("user_id", "Ünï")]),
        ({"userId": " Anonymous ", "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": "UNDEFINED", "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": "null", "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": 0, "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": -0.0, "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"userId": NIL, "anonymousId": "a"}, [("anonymous_id", "a")]),
        ({"groupId": "g", "traits": {"email": "x@y.nl"}}, [U]),
        ({"context": {"traits": {"email": "x@y.nl"}}}, [U]),
        ({"previousId": "p"}, [U]),
        ({"userId": "a", "anonymousId": "a"}, [("user_id", "a"), ("anonymous_id", "a")]),
    ],
)
def test_identifiers(members: Json, identifiers: list[tuple[str, str]]) -> None:
    assert list(event_of(track(**members)).identifiers) == identifiers


@pytest.mark.parametrize(
    ("listed", "identifiers"),
    [
        ([{"id": "c", "type": "crm_id", "collection": "users", "encoding": "none"}], [U, ("crm_id", "c")]),
        ([{"id": 12, "type": "crm_id"}], [U, ("crm_id", "12")]),
        ([{"id": " A@B.nl ", "type": "email"}], [U, ("email", "a@b.nl")]),
        ([{"id": "u", "type": "user_id"}], [U]),
        ([{"id": "null", "type": "crm_id"}], [U]),
        ([{"id": "acme", "type": "crm_id", "collection": "accounts"}], [U]),
        ([{"id": "z", "type": "b"}, {"id": "y", "type": "a"}], [U, ("a", "y"), ("b", "z")]),
        ([{"id": "c"}, {"type": "t"}, {"id": True, "type": "t"}, {"id": {}, "type": "t"}, "x", None], [U]),
        ({"id": "c", "type": "crm_id"}, [U]),
        (None, [U]),
    ],
)
def test_external_ids(listed: object, identifiers: list[tuple[str, str]]) -> None:
    assert list(event_of(track(context={"externalIds": listed})).identifiers) == identifiers


def test_the_strongest_identifier_comes_first_whatever_its_name() -> None:
    listed = [{"id": "v", "type": type} for type in ("zeta", "alpha", "email", "crm_id", "customer_id")]
    types = [type for type, _value in event_of(track(anonymousId="a", context={"externalIds": listed})).identifiers]
    assert types == ["user_id", "customer_id", "crm_id", "email", "anonymous_id", "alpha", "zeta"]


@pytest.mark.parametrize(
    ("traits", "context_traits", "email"),
    [
        ({"email": " Jan@Shop.NL "}, None, "jan@shop.nl"),
        ({}, {"email": "C@d.nl"}, "c@d.nl"),
        ({"email": "a@b.nl"}, {"email": "c@d.nl"}, "a@b.nl"),
        ({"email": ""}, {"email": "c@d.nl"}, "c@d.nl"),
        ({"email": 5}, {"email": "c@d.nl"}, "c@d.nl"),
        ({"email": "undefined"}, None, None),
        ({"email": None}, None, None),
        ({"name": "Jan"}, None, None),
    ],
)
def test_the_email_of_an_identify(traits: Json, context_traits: Json | None, email: str | None) -> None:
    call = track(type="identify", traits=traits, context={"traits": context_traits})
    assert list(event_of(call).identifiers) == [U, *([("email", email)] if email else [])]


@pytest.mark.parametrize(
    ("members", "identifiers"),
    [
        ({"previousId": "p"}, [U, ("user_id", "p"), ("anonymous_id", "p")]),
        ({"userId": "z", "previousId": "b"}, [("user_id", "z"), ("user_id", "b"), ("anonymous_id", "b")]),
        ({"previousId": "u"}, [U, ("anonymous_id", "u")]),
        ({"previousId": "null"}, [U]),
        ({"userId": None, "previousId": "p"}, [("user_id", "p"), ("anonymous_id", "p")]),
        (
            {"previousId": "p", "anonymousId": "a"},
            [U, ("user_id", "p"), ("anonymous_id", "a"), ("anonymous_id", "p")],
        ),
    ],
)
def test_an_alias_names_its_own_user_first(members: Json, identifiers: list[tuple[str, str]]) -> None:
    assert list(event_of(track(type="alias", **members)).identifiers) == identifiers


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ({"type": "track", "event": "Bought"}, "Bought"),
        ({"type": "page", "name": "Home", "category": "Shop"}, "Home"),
        ({"type": "page", "name": None, "category": "Shop"}, "Shop"),
        ({"type": "page", "name": "", "category": ""}, "Page Viewed"),
        ({"type": "page", "event": "Seen"}, "Page Viewed"),
        ({"type": "screen"}, "Screen Viewed"),
        ({"type": "identify", "event": "x", "name": "y"}, "Identify"),
        ({"type": "group", "groupId": "g"}, "Group"),
        ({"type": "alias"}, "Alias"),
    ],
)
def test_names(call: Json, name: str) -> None:
    event = event_of({"userId": "u", **call})
    assert (event.kind, event.name) == (call["type"], name)


def test_the_route_names_the_kind() -> None:
    assert event_of({"userId": "u", "type": "nonsense"}, kind="page").kind == "page"


@pytest.mark.parametrize(
    ("members", "channel"),
    [
        ({}, "default"),
        ({"context": {"channel": "Balie"}}, "Balie"),
        ({"context": {"channel": "Balie"}, "channel": "mobile"}, "Balie"),
        ({"channel": "web"}, "web"),
        ({"channel": "mobile"}, "app"),
        ({"channel": "Mobile"}, "app"),
        ({"channel": "browser"}, "web"),
        ({"channel": "server"}, "default"),
        ({"channel": "Forum"}, "Forum"),
        ({"channel": None, "context": {"channel": ""}}, "default"),
        ({"context": {"channel": 5}}, "default"),
    ],
)
def test_channels(members: Json, channel: str) -> None:
    assert event_of(track(**members), default_channel="default").channel == channel


def test_no_channel() -> None:
    assert event_of(track(channel="server")).channel is None


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ({"type": "Android"}, "mobile"),
        ({"type": "ios"}, "mobile"),
        ({"type": "Desktop"}, "desktop"),
        ({"type": ""}, None),
        ({"type": 5}, None),
        ({}, None),
        ("phone", None),
        (None, None),
    ],
)
def test_devices(device: object, expected: str | None) -> None:
    assert event_of(track(context={"device": device})).device == expected


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (0, 0),
        (-5, -5),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, None),
        (7.0, None),
        ("7", None),
        (True, None),
        (None, None),
    ],
)
def test_sequences(sequence: object, expected: int | None) -> None:
    assert event_of(track(context={"sequence": sequence})).sequence == expected


@pytest.mark.parametrize(
    ("members", "traits"),
    [
        (b"", b""),
        (b',"traits":{"a":1.50}', b'{"a":1.50}'),
        (b',"traits":null', b""),
        (b',"context":{"traits":{"a":1.50}}', b'{"a":1.50}'),
        (b',"context":{"traits":{"a":1.50,"b":2}},"traits":{"a":7e1}', b'{"a":7e1,"b":2}'),
        (b',"context":{"traits":5},"traits":{"a":1}', b'{"a":1}'),
    ],
)
def test_traits_overlay_those_of_the_context(members: bytes, traits: bytes) -> None:
    assert event_of(b'{"type":"group","userId":"u"' + members + b"}").traits == traits


@pytest.mark.parametrize(
    "sent",
    [
        b'{"n":12345678901234567890123}',
        b'{"f":1.10,"e":1E2, "s": "\\u00e9\\ud83d\\ude00"}',
        '{"t":"Ünïcode 😀"}'.encode(),
        b'{"a":1,"a":2}',
        b'{"slash":"\\\\u0000"}',
        b"{}",
    ],
)
def test_objects_stay_the_bytes_that_were_sent(sent: bytes) -> None:
    call = b'{"type":"track","userId":"u","event":"e","properties": ' + sent + b' ,"context":' + sent + b"}"
    event = event_of(call)
    assert (event.properties, event.context) == (sent, sent)


@pytest.mark.parametrize(
    ("members", "message_id"),
    [
        ({}, "m"),
        ({"messageId": None}, "made"),
        ({"messageId": ""}, "made"),
        ({"messageId": 12}, "12"),
        ({"messageId": "x" * 255}, "x" * 255),
        ({"messageId": "😀" * 255}, "😀" * 255),
    ],
)
def test_message_ids(members: Json, message_id: str) -> None:
    assert event_of(track(**members)).message_id == message_id


@pytest.mark.parametrize(
    ("members", "code", "path"),
    [
        ({"userId": None}, "NO_IDENTIFIER", ()),
        ({"userId": "null", "anonymousId": " "}, "NO_IDENTIFIER", ()),
        ({"userId": None, "groupId": "g"}, "NO_IDENTIFIER", ()),
        ({"messageId": "x" * 256}, "BAD_VALUE", ("messageId",)),
        ({"messageId": []}, "BAD_VALUE", ("messageId",)),
        ({"userId": True}, "BAD_VALUE", ("userId",)),
        ({"anonymousId": {"id": "a"}}, "BAD_VALUE", ("anonymousId",)),
        ({"type": "alias", "previousId": ["p"]}, "BAD_VALUE", ("previousId",)),
        ({"type": None}, "BAD_VALUE", ("type",)),
        ({"type": "Track"}, "BAD_VALUE", ("type",)),
        ({"type": ["track"]}, "BAD_VALUE", ("type",)),
        ({"event": None}, "BAD_VALUE", ("event",)),
        ({"event": ""}, "BAD_VALUE", ("event",)),
        ({"event": 5}, "BAD_VALUE", ("event",)),
        ({"type": "page", "name": 5}, "BAD_VALUE", ("name",)),
        ({"type": "page", "category": {}}, "BAD_VALUE", ("category",)),
        ({"channel": 5}, "BAD_VALUE", ("channel",)),
        ({"properties": 5}, "BAD_VALUE", ("properties",)),
        ({"properties": []}, "BAD_VALUE", ("properties",)),
        ({"context": "x"}, "BAD_VALUE", ("context",)),
        ({"traits": [1]}, "BAD_VALUE", ("traits",)),
        ({"timestamp": "yesterday"}, "BAD_TIMESTAMP", ("timestamp",)),
        ({"originalTimestamp": {}}, "BAD_TIMESTAMP", ("originalTimestamp",)),
        ({"sentAt": "soon"}, "BAD_TIMESTAMP", ("sentAt",)),
        ({"properties": {"x": "y" * 33_000}}, "TOO_LARGE", ()),
        ({"properties": {"a": [{"b": "\x00"}]}}, "BAD_VALUE", ("properties", "a", "0", "b")),
        ({"properties": {"a": {"\x00": 1}}}, "BAD_VALUE", ("properties", "a")),
        ({"integrations": {"a": "\x00"}}, "BAD_VALUE", ("integrations", "a")),
        ({"context": {"x": float("nan")}}, "BAD_VALUE", ("context", "x")),
        ({"traits": {"x": float("-inf")}}, "BAD_VALUE", ("traits", "x")),
        ({"properties": {"x": "\ud800"}}, "BAD_VALUE", ("properties", "x")),
        ({"properties": {"x": "\udc00 later"}}, "BAD_VALUE", ("properties", "x")),
        ({"timestamp": float("inf")}, "BAD_VALUE", ("timestamp",)),
    ],
)
def test_refusals(members: Json, code: str, path: tuple[str, ...]) -> None:
    assert judge_call(track(**members)) == (code, path)


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b'{"properties":{"x":1e400}}', ("properties", "x")),
        (b'{"context":{"y":[-1e400]}}', ("context", "y", "0")),
        (b'{"timestamp":1E+999}', ("timestamp",)),
        (b'{"properties":{"x":' + b"9" * 5_000 + b"}}", ("properties", "x")),
        (b'{"properties":{"x":"\xff"}}', ("properties", "x")),
        (b'{"integrations":{"x":"\xed\xa0\x80"}}', ("integrations", "x")),
        (b'{"properties":{"\xff":1}}', ("properties",)),
        (b"5", ()),
        (b"null", ()),
        (b'"text"', ()),
        (b"[]", ()),
        (b'{"properties":' + b"[" * 2_000 + b"]" * 2_000 + b"}", ()),
    ],
)
def test_values_that_cannot_be_kept(sent: bytes, path: tuple[str, ...]) -> None:
    assert judge_call(sent, kind="track") == ("BAD_VALUE", path)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_an_event_is_at_most_64_deep() -> None:
    deepest = {"x": nested(62)}  # the event, its properties, and 62 lists
    assert json.loads(event_of(track(properties=deepest)).properties) == deepest
    assert judge_call(track(properties={"x": nested(63)})) == ("BAD_VALUE", ("properties", "x", *["0"] * 62))
    deep = b'{"type":"track","userId":"u","event":"e","extra":' + b"[" * 1_000 + b"]" * 1_000 + b"}"
    assert judge_call(deep) == ("BAD_VALUE", ())


def test_many_brackets_are_not_depth() -> None:
    wide = {"x": [[]] * 200, "text": "[[[{{{" * 30}
    assert json.loads(event_of(track(properties=wide)).properties) == wide


def test_an_event_has_at_most_32_kib() -> None:
    room = 32 * 1024 - len(json.dumps(track(properties={"x": ""})))
    assert isinstance(judge_call(track(properties={"x": "y" * room})), Recorded)
    assert judge_call(track(properties={"x": "y" * (room + 1)})) == ("TOO_LARGE", ())


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        ({}, b'{"channel":"shop","traits":{"a":1}}'),
        ({"context": {"channel": "app"}}, b'{"channel":"app","traits":{"a":1}}'),
        ({"context": None}, b'{"channel":"shop","traits":{"a":1}}'),
    ],
)
def test_the_context_of_a_batch_lies_under_that_of_its_events(own: Json, merged: bytes) -> None:
    event = event_of(track(**own), shared_context=b'{"channel":"shop","traits":{"a":1}}')
    assert (event.context, event.traits) == (merged, b'{"a":1}')
    assert event.channel == json.loads(merged)["channel"]


@pytest.mark.parametrize(
    "shared", [b'{"x":NaN}', b'{"x":"\\u0000"}', b'{"x":"\xff"}', b'{"x":' + b"[" * 63 + b"]" * 63 + b"}"]
)
def test_a_context_of_a_batch_that_cannot_be_kept(shared: bytes) -> None:
    judgement = judge_call(track(), shared_context=shared, shared_flaw=flaw_of_shared(shared))
    assert isinstance(judgement, tuple)
    assert (judgement[0], judgement[1][:1]) == ("BAD_VALUE", ("context",))
