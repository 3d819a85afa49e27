"""The GraphQL wire form: an EventInput follows the same rules, and names its identifiers itself."""

from __future__ import annotations

from typing import Any

import pytest

from services.events.intake.slots import Recorded
from tests.events.intake.calls import NOW, SECOND, judge_input

Json = dict[str, Any]
USER = {"type": "user_id", "value": "u"}


def given(**changes: Any) -> Json:
    return {"messageId": "m", "name": "Seen", "identifiers": [USER]} | changes


def event(**changes: Any) -> Recorded:
    judgement = judge_input(given(**changes))
    assert isinstance(judgement, Recorded), judgement
    return judgement


def test_a_whole_input() -> None:
    whole = given(
        kind="page",
        identifiers=[{"type": "anonymous_id", "value": "a"}, USER],
        occurredAt="2026-11-22T11:59:00Z",
        sequence=3,
        channel="shop",
        device="iOS",
        properties={"p": 1},
        traits={"t": 1},
        context={"channel": "app", "device": {"type": "tv"}, "sequence": 9, "traits": {"c": 1}},
    )
    assert judge_input(whole, verified=True, source="api", default_channel="mail") == Recorded(
        source="api",
        message_id="m",
        kind="page",
        name="Seen",
        channel="shop",
        device="mobile",
        identifiers=(("user_id", "u"), ("anonymous_id", "a")),
        verified=True,
        occurred_at=NOW - 60 * SECOND,
        original_timestamp=NOW - 60 * SECOND,
        sent_at=None,
        received_at=NOW,
        clamped=False,
        sequence=3,
        properties=b'{"p": 1}',
        context=b'{"channel": "app", "device": {"type": "tv"}, "sequence": 9, "traits": {"c": 1}}',
        traits=b'{"c":1,"t":1}',
    )


def test_what_is_left_out() -> None:
    plain = event()
    assert (plain.kind, plain.channel, plain.device, plain.sequence) == ("track", None, None, None)
    assert (plain.properties, plain.context, plain.traits) == (b"", b"", b"")
    assert (plain.occurred_at, plain.original_timestamp) == (NOW, None)


def test_the_context_speaks_where_the_input_does_not() -> None:
    context = {"channel": "app", "device": {"type": "Tablet"}, "sequence": 9}
    spoken = event(context=context, channel=None, device="", sequence=None)
    assert (spoken.channel, spoken.device, spoken.sequence) == ("app", "tablet", 9)


@pytest.mark.parametrize(
    ("changes", "identifiers"),
    [
        ({"identifiers": [{"type": "email", "value": " A@b.NL "}]}, [("email", "a@b.nl")]),
        ({"identifiers": [{"type": "crm_id", "value": 7.0}, USER, USER]}, [("user_id", "u"), ("crm_id", "7")]),
        ({"identifiers": [USER, {"type": "anonymous_id", "value": "undefined"}]}, [("user_id", "u")]),
        ({"kind": "identify", "traits": {"email": "X@y.nl"}}, [("user_id", "u"), ("email", "x@y.nl")]),
        ({"traits": {"email": "x@y.nl"}}, [("user_id", "u")]),
        (
            {"kind": "alias", "identifiers": [{"type": "user_id", "value": "b"}, {"type": "user_id", "value": "a"}]},
            [("user_id", "a"), ("user_id", "b")],
        ),
        (
            {"context": {"externalIds": [{"type": "crm_id", "id": "c"}]}},
            [("user_id", "u"), ("crm_id", "c")],
        ),
    ],
)
def test_identifiers(changes: Json, identifiers: list[tuple[str, str]]) -> None:
    assert list(event(**changes).identifiers) == identifiers


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"identifiers": None}, "NO_IDENTIFIER", ()),
        ({"identifiers": []}, "NO_IDENTIFIER", ()),
        ({"identifiers": [{"type": "user_id", "value": "0"}]}, "NO_IDENTIFIER", ()),
        ({"identifiers": USER}, "BAD_VALUE", ("identifiers",)),
        ({"identifiers": [USER, "u"]}, "BAD_VALUE", ("identifiers", "1")),
        ({"identifiers": [{"value": "u"}]}, "BAD_VALUE", ("identifiers", "0", "type")),
        ({"identifiers": [{"type": 5, "value": "u"}]}, "BAD_VALUE", ("identifiers", "0", "type")),
        ({"identifiers": [{"type": "user_id", "value": []}]}, "BAD_VALUE", ("identifiers", "0", "value")),
        ({"name": None}, "BAD_VALUE", ("name",)),
        ({"name": 5}, "BAD_VALUE", ("name",)),
        ({"kind": "click"}, "BAD_VALUE", ("kind",)),
        ({"sequence": 2**63}, "BAD_VALUE", ("sequence",)),
        ({"sequence": "3"}, "BAD_VALUE", ("sequence",)),
        ({"channel": 5}, "BAD_VALUE", ("channel",)),
        ({"device": {}}, "BAD_VALUE", ("device",)),
        ({"properties": 5}, "BAD_VALUE", ("properties",)),
        ({"traits": []}, "BAD_VALUE", ("traits",)),
        ({"context": "x"}, "BAD_VALUE", ("context",)),
        ({"occurredAt": "soon"}, "BAD_TIMESTAMP", ("occurredAt",)),
        ({"messageId": "x" * 256}, "BAD_VALUE", ("messageId",)),
        ({"properties": {"x": "\x00"}}, "BAD_VALUE", ("properties", "x")),
        ({"properties": {"x": "y" * 33_000}}, "TOO_LARGE", ()),
    ],
)
def test_refusals(changes: Json, code: str, path: tuple[str, ...]) -> None:
    assert judge_input(given(**changes)) == (code, path)


def test_an_input_is_an_object() -> None:
    assert judge_input(b"[1]") == ("BAD_VALUE", ())


def spoken(**changes: Any) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Identifiers and trust of what somebody says who speaks for the user `u` alone."""
    judgement = judge_input(given(**changes), verified=True, customer=("user_id", "u"))
    assert isinstance(judgement, Recorded), judgement
    return judgement.identifiers, judgement.verified


def test_who_speaks_for_one_customer_names_them_always() -> None:
    assert spoken(identifiers=[]) == ((("user_id", "u"),), True)
    assert spoken() == ((("user_id", "u"),), True)


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"identifiers": [{"type": "user_id", "value": "v"}]}, ("user_id", "v")),
        ({"identifiers": [USER, {"type": "anonymous_id", "value": "a"}]}, ("anonymous_id", "a")),
        ({"kind": "identify", "traits": {"email": "v@example.org"}}, ("email", "v@example.org")),
        ({"kind": "identify", "context": {"traits": {"email": "v@example.org"}}}, ("email", "v@example.org")),
        ({"context": {"externalIds": [{"type": "crm_id", "id": "c"}]}}, ("crm_id", "c")),
    ],
)
def test_what_they_say_of_others_is_a_claim(changes: Json, other: tuple[str, str]) -> None:
    identifiers, verified = spoken(**changes)
    assert set(identifiers) == {("user_id", "u"), other}
    assert not verified
