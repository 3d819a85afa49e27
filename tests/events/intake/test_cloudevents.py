"""A CloudEvent in its JSON form: what the specification asks of it, and the event it means."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from services.events.intake.judging import judge, judge_again
from services.events.intake.slots import CLOUD_EVENT, Recorded, Refused
from tests.events.intake.calls import NOW, RECEIPT, SECOND, Judgement, judge_cloud_event

Json = dict[str, Any]
ABSENT = object()


def cloud_event(**changes: Any) -> Json:
    """One that is fine, with changes."""
    event = {"specversion": "1.0", "id": "1", "source": "/crm", "type": "order.paid", "userid": "u"} | changes
    return {name: value for name, value in event.items() if value is not ABSENT}


def event_of(event: Json | bytes, **options: Any) -> Recorded:
    judgement = judge_cloud_event(event, **options)
    assert isinstance(judgement, Recorded), judgement
    return judgement


def refusal_of(event: Json | bytes, **options: Any) -> Judgement:
    judgement = judge_cloud_event(event, **options)
    assert not isinstance(judgement, Recorded), judgement
    return judgement


def in_base_64(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def test_what_an_event_takes_from_its_attributes() -> None:
    event = event_of(
        cloud_event(
            id="A-1",
            source="https://crm.example/nl",
            type="nl.example.order.paid",
            time="2026-11-22T11:00:00.5+01:00",
            subject="order/7",
            dataschema="https://example.com/order",
            datacontenttype="application/json",
            anonymousid="a",
            channel="phone",
            device="Android",
            sequence="0042",
            traceparent="00-1",
            sampled=True,
            tries=-3,
            nothing=None,
            data={"total": 59.95},
        )
    )
    assert (event.source, event.message_id) == ("website", "https://crm.example/nl A-1")
    assert (event.kind, event.name) == ("track", "nl.example.order.paid")
    assert (event.channel, event.device, event.sequence) == ("phone", "mobile", 42)
    assert event.identifiers == (("user_id", "u"), ("anonymous_id", "a"))
    assert event.occurred_at == event.original_timestamp == NOW - 2 * 3_600 * SECOND + SECOND // 2
    assert (event.sent_at, event.received_at, event.clamped, event.verified) == (None, NOW, False, False)
    assert (event.properties, event.traits) == (b'{"total": 59.95}', b"")
    assert json.loads(event.context) == {
        "cloudevent": {
            "source": "https://crm.example/nl",
            "subject": "order/7",
            "dataschema": "https://example.com/order",
            "datacontenttype": "application/json",
            "userid": "u",
            "anonymousid": "a",
            "channel": "phone",
            "device": "Android",
            "sequence": "0042",
            "traceparent": "00-1",
            "sampled": True,
            "tries": -3,
        }
    }


def test_the_least_there_can_be() -> None:
    event = event_of(cloud_event(), default_channel="shop")
    assert (event.occurred_at, event.original_timestamp, event.properties) == (NOW, None, b"")
    assert (event.channel, event.device, event.sequence) == ("shop", None, None)


def test_attributes_stand_in_the_context_in_one_order() -> None:
    there, back = cloud_event(b="1", a="2"), cloud_event(a="2", b="1")
    assert event_of(there) == event_of(back)


INVALID = [
    *((name, ABSENT) for name in ("specversion", "id", "source", "type")),
    *((name, None) for name in ("specversion", "id", "source", "type")),
    *((name, "") for name in ("specversion", "id", "source", "type", "subject", "dataschema", "datacontenttype")),
    *(("specversion", 1), ("id", 7), ("type", True), ("source", 5), ("subject", 3), ("dataschema", False)),
    ("specversion", "0.3"),
    ("specversion", "1.0.2"),
    ("source", "two words"),
    ("source", "/café"),
    ("source", "/100%"),
    ("source", "/a<b>"),
    ("dataschema", "/relative"),
    ("dataschema", "https://example.com/a b"),
    ("datacontenttype", "json"),
    ("datacontenttype", "application/json; charset"),
    ("datacontenttype", "application/"),
    ("id", "tab\tinside"),
    ("type", "bell\x07"),
    ("subject", "next line\x85"),
    ("subject", "no character \ufdd0"),
    ("extension", "no character \U0010ffff"),
    ("extension", "delete\x7f"),
    ("extension", 1.5),
    ("extension", 2**31),
    ("extension", -(2**31) - 1),
    ("extension", {"an": "object"}),
    ("extension", ["a list"]),
    ("Extension", "capital"),
    ("my_extension", "underscore"),
    ("my-extension", "hyphen"),
    ("métier", "letters of ASCII"),
    ("", "no name"),
    ("userid", True),
    ("channel", 5),
    ("device", False),
    ("kind", "Identify"),
    ("kind", 1),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_attributes_that_the_specification_forbids(name: str, value: Any) -> None:
    assert refusal_of(cloud_event(**{name: value})) == ("BAD_VALUE", (name,))


VALID = [
    ("source", "1-555-123-4567"),
    ("source", "mailto:cncf-wg-serverless@lists.cncf.io"),
    ("source", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ("source", "/caf%C3%A9?a=b#c"),
    ("dataschema", "urn:schema:1"),
    ("datacontenttype", 'text/plain; charset="utf-8"; x=y;'),
    ("datacontenttype", "APPLICATION/VND.X+JSON ;charset=UTF-8"),
    ("subject", "Zoë 🇳🇱 日本語"),
    ("extension", ""),
    ("extension", 2**31 - 1),
    ("extension", -(2**31)),
    ("extension", False),
    ("a1", "digits"),
    ("averylongnamethatnobodyshouldgiveit", "but may"),
    ("sequence", "not a number"),
    ("time", None),
]


@pytest.mark.parametrize(("name", "value"), VALID)
def test_attributes_that_it_allows(name: str, value: Any) -> None:
    kept = json.loads(event_of(cloud_event(**{name: value})).context)["cloudevent"]
    assert kept.get(name) == value


BAD_TIMES = [
    *("", 5, "soon", "2026-11-22", "2026-11-22T11:00:00", "2026-11-22 11:00:00Z", "2026-11-22T11:00Z"),
    *("2026-13-01T00:00:00Z", "2026-11-22T11:00:00.Z", "20261122T110000Z", "2026-11-22T11:00:00+0100"),
    "٢٠٢٦-11-22T11:00:00Z",
]


@pytest.mark.parametrize("time", BAD_TIMES)
def test_times_that_are_not_of_rfc_3339(time: Any) -> None:
    assert refusal_of(cloud_event(time=time)) == ("BAD_TIMESTAMP", ("time",))


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("2026-11-22T11:59:59Z", -1), ("2026-11-22t11:59:59.0z", -1), ("2026-11-22T12:59:58.000000001+01:00", -2)],
)
def test_times_that_are(time: str, seconds: int) -> None:
    assert event_of(cloud_event(time=time)).occurred_at == NOW + seconds * SECOND


def test_a_time_far_ahead_is_the_moment_of_receipt() -> None:
    event = event_of(cloud_event(time="2200-01-01T00:00:00Z"))
    assert (event.occurred_at, event.clamped) == (NOW, True)


DATA = [
    ({}, b""),
    ({"data": None}, b""),
    ({"data": {}}, b"{}"),
    ({"data": {"a": [1, {"b": None}]}}, b'{"a": [1, {"b": null}]}'),
    ({"data": [1, 2]}, b'{"data":[1, 2]}'),
    ({"data": "text"}, b'{"data":"text"}'),
    ({"data": 0}, b'{"data":0}'),
    ({"data": "<a/>", "datacontenttype": "application/xml"}, b'{"data":"<a/>"}'),
    ({"data": '{"not": "looked into"}'}, b'{"data":"{\\"not\\": \\"looked into\\"}"}'),
    ({"data_base64": None, "data": {"a": 1}}, b'{"a": 1}'),
    ({"data_base64": in_base_64(b' {"a": "\xc3\xa9"} ')}, b'{"a": "\xc3\xa9"}'),
    ({"data_base64": in_base_64(b"null")}, b""),
    ({"data_base64": in_base_64(b"[1]"), "datacontenttype": "application/vnd.x+json"}, b'{"data":[1]}'),
    ({"data_base64": in_base_64("é".encode()), "datacontenttype": "text/csv"}, '{"data":"é"}'.encode()),
    ({"data_base64": in_base_64(b"<a/>"), "datacontenttype": "image/svg+xml"}, b'{"data":"<a/>"}'),
    ({"data_base64": "w6k=", "datacontenttype": "image/png"}, b'{"data_base64":"w6k="}'),
    ({"data_base64": "6Q==", "datacontenttype": "text/csv"}, b'{"data_base64":"6Q=="}'),
    ({"data_base64": "w6k=", "datacontenttype": "text/csv; charset=ISO-8859-1"}, b'{"data_base64":"w6k="}'),
    ({"data_base64": "", "datacontenttype": "image/png"}, b""),
    ({"data_base64": ""}, b""),
]


@pytest.mark.parametrize(("members", "properties"), DATA)
def test_data_becomes_properties(members: Json, properties: bytes) -> None:
    assert event_of(cloud_event(**members)).properties == properties


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"data": {"a": 1}, "data_base64": "e30="}, ("data_base64",)),
        ({"data": None, "data_base64": 5}, ("data_base64",)),
        ({"data_base64": "e30"}, ("data_base64",)),
        ({"data_base64": "e3\n0="}, ("data_base64",)),
        ({"data_base64": "_-8="}, ("data_base64",)),
        ({"data_base64": "é"}, ("data_base64",)),
        ({"data_base64": in_base_64(b"no JSON")}, ("data_base64",)),
        ({"data_base64": in_base_64(b'1,"type":2')}, ("data_base64",)),
        ({"data_base64": in_base_64(b'{"a":"\\u0000"}')}, ("data_base64", "a")),
        ({"data_base64": in_base_64(b"[" * 64 + b"]" * 64)}, ("data_base64", *("0",) * 63)),
        ({"data_base64": in_base_64(b'{"a":"\xff"}')}, ("data_base64", "a")),
        ({"kind": "identify", "data": ["no", "traits"]}, ("data",)),
        ({"kind": "identify", "data_base64": "w6k=", "datacontenttype": "image/png"}, ("data_base64",)),
    ],
)
def test_data_that_cannot_be(members: Json, path: tuple[str, ...]) -> None:
    assert refusal_of(cloud_event(**members)) == ("BAD_VALUE", path)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"a": NaN}', ("data", "a")),
        (b"[1e400]", ("data", "0")),
        (b'"\\ud800"', ("data",)),
        (b'{"a": "\\u0000"}', ("data", "a")),
        (b'{"a": "\xc0\xa0"}', ("data", "a")),
    ],
)
def test_values_that_no_event_may_hold(data: bytes, path: tuple[str, ...]) -> None:
    sent = json.dumps(cloud_event()).encode()[:-1] + b',"data":' + data + b"}"
    assert refusal_of(sent) == ("BAD_VALUE", path)


@pytest.mark.parametrize("sent", [b"5", b"null", b"[]", b'"text"'])
def test_what_is_no_object(sent: bytes) -> None:
    assert refusal_of(sent) == ("BAD_VALUE", ())


def test_values_are_kept_as_they_were_sent() -> None:
    data = (
        b'{"big":9007199254740993,"bigger":123456789012345678901234567890,"text":"\\u00e9 \xf0\x9f\x98\x80","x":1e-07}'
    )
    sent = json.dumps(cloud_event()).encode()[:-1] + b',"data": ' + data + b"}"
    assert event_of(sent).properties == data


def test_an_event_may_be_32_kib_long() -> None:
    room = 32 * 1024 - len(json.dumps(cloud_event(data="")))
    assert event_of(cloud_event(data="x" * room)).name == "order.paid"
    assert refusal_of(cloud_event(data="x" * (room + 1))) == ("TOO_LARGE", ())


def test_who_it_is_about() -> None:
    known, browser = ("user_id", "u"), ("anonymous_id", "b")
    assert event_of(cloud_event(anonymousid="b")).identifiers == (known, browser)
    assert event_of(cloud_event(userid=ABSENT, anonymousid="b")).identifiers == (browser,)
    assert event_of(cloud_event(userid="null", anonymousid="b")).identifiers == (browser,)
    assert event_of(cloud_event(userid=7)).identifiers == (("user_id", "7"),)
    assert event_of(cloud_event(subject="order/7")).identifiers == (known,)
    nobody = cloud_event(userid=ABSENT, subject="order/7", data={"email": "zoe@example.com"})
    assert refusal_of(nobody) == ("NO_IDENTIFIER", ())


def test_a_subject_is_whom_the_address_says_it_is() -> None:
    contact = cloud_event(userid=ABSENT, subject="Zoe@Example.com ")
    assert event_of(contact, subject_type="email").identifiers == (("email", "zoe@example.com"),)
    both = event_of(cloud_event(subject="C-7"), subject_type="crm_id").identifiers
    assert both == (("user_id", "u"), ("crm_id", "C-7"))
    assert event_of(cloud_event(), subject_type="crm_id").identifiers == (("user_id", "u"),)


def test_a_refused_event_is_judged_again_by_the_subjects_of_its_address() -> None:
    good, bad = cloud_event(userid=ABSENT, subject="C-7"), cloud_event(userid=ABSENT, subject="C-7", time="soon")
    [refused] = judge([json.dumps(bad).encode()], replace(RECEIPT, subject_type="crm_id"), CLOUD_EVENT)
    assert isinstance(refused, Refused)
    mended = Refused("website", NOW, "BAD_VALUE", "No.", (), json.dumps(good).encode(), refused.carriage)
    assert judge_again(mended, None, lambda: "made") == event_of(good, subject_type="crm_id")


def test_who_identifies_themself_brings_traits() -> None:
    traits = {"name": "Zoë", "email": "Zoe@Example.com"}
    event = event_of(cloud_event(kind="identify", type="contact.changed", data=traits))
    assert (event.kind, event.name, event.properties) == ("identify", "contact.changed", b"")
    assert json.loads(event.traits) == traits
    assert event.identifiers == (("user_id", "u"), ("email", "zoe@example.com"))
    group = event_of(cloud_event(kind="group", data=traits))
    assert (json.loads(group.traits), group.identifiers) == (traits, (("user_id", "u"),))
    assert event_of(cloud_event(kind="page", data={"url": "/"})).channel == "web"


def test_source_and_id_are_unique_together_only() -> None:
    ids = [event_of(cloud_event(source=source, id=id)).message_id for source, id in [("a", "b c"), ("b", "b c")]]
    assert ids == ["a b c", "b b c"]
    assert len(event_of(cloud_event(source="s" * 100, id="i" * 154)).message_id) == 255
    assert refusal_of(cloud_event(source="s" * 100, id="i" * 155)) == ("BAD_VALUE", ("id",))


SEQUENCES = [
    *(("7", 7), ("-007", -7), (7, 7), ("9223372036854775807", 2**63 - 1)),
    *(("9223372036854775808", None), ("7.0", None), ("٧", None), ("", None), (True, None)),
]


@pytest.mark.parametrize(("sequence", "number"), SEQUENCES)
def test_a_sequence_that_is_an_integer_orders_events_of_one_moment(sequence: Any, number: int | None) -> None:
    assert event_of(cloud_event(sequence=sequence)).sequence == number
