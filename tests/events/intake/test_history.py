"""History comes in by a door of its own: calls and inputs, with a secret key, each with a time."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from services.events.intake.domain.moments import read_moment
from tests.events.intake.calls import track
from tests.events.intake.door import Door, problem

Json = dict[str, Any]

LONG_AGO = "2019-03-31T12:00:00.123456Z"
MOMENT = read_moment(LONG_AGO, ())


def bought(**more: Any) -> Json:
    return {
        "messageId": "1",
        "name": "Bought",
        "identifiers": [{"type": "user_id", "value": "u"}],
        "occurredAt": LONG_AGO,
    } | more


async def load(door: Door, *items: Any, path: str = "/v1/history", **options: Any) -> Any:
    return await door.send(path, {"batch": list(items)}, **{"auth": (door.keys.admin_key, "")} | options)


async def test_calls_and_inputs_stand_side_by_side(door: Door) -> None:
    call = track(messageId="2", timestamp=LONG_AGO, userId="v")
    answer = await load(door, bought(), call)
    assert (answer.status_code, answer.json()["results"]) == (200, [])
    first, second = await door.events(answer)
    assert (first.message_id, first.name, first.identifiers) == ("1", "Bought", (("user_id", "u"),))
    assert (second.message_id, second.kind, second.identifiers[0]) == ("2", "track", ("user_id", "v"))
    assert [(one.occurred_at, one.imported, one.verified, one.source) for one in (first, second)] == [
        (MOMENT, True, True, "api")
    ] * 2


async def test_when_a_call_was_sent_first_does_not_move_it(door: Door) -> None:
    """A call that was kept as it came has its `sentAt`, years ago."""
    answer = await load(door, track(messageId="1", timestamp=LONG_AGO, sentAt=LONG_AGO))
    assert [one.occurred_at for one in await door.events(answer)] == [MOMENT]


async def test_history_belongs_to_the_source_that_is_named(door: Door) -> None:
    answer = await load(door, bought(), path="/v1/history?source=website")
    assert [one.source for one in await door.events(answer)] == ["website"]
    assert problem(await load(door, bought(), path="/v1/history?source=nowhere")) == (404, "UNKNOWN_SOURCE")
    assert problem(await load(door, bought(), path="/v1/history?source=web%00site")) == (400, "BAD_VALUE")


async def test_an_alias_keeps_the_user_whose_it_is_first(door: Door) -> None:
    identifiers = [{"type": "user_id", "value": value} for value in ("new", "before")]
    answer = await load(door, bought(kind="alias", name="Alias", identifiers=identifiers))
    assert [one.identifiers for one in await door.events(answer)] == [(("user_id", "new"), ("user_id", "before"))]


@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        (bought(occurredAt=None), "BAD_TIMESTAMP", ["occurredAt"]),
        (bought(occurredAt="yesterday"), "BAD_TIMESTAMP", ["occurredAt"]),
        ({"type": "track", "event": "Seen", "userId": "u"}, "BAD_TIMESTAMP", ["timestamp"]),
        (bought(identifiers=[]), "NO_IDENTIFIER", []),
        ({"messageId": "7", "line": "a;b"}, "BAD_VALUE", ["name"]),
        ([1], "BAD_VALUE", []),
    ],
)
async def test_what_cannot_be_taken_is_kept_beside_the_rest(door: Door, item: Any, code: str, path: list[str]) -> None:
    answer = await load(door, item, bought(messageId="2"))
    assert answer.status_code == 200
    assert [(one["index"], one["code"], one["path"]) for one in answer.json()["results"]] == [(0, code, path)]
    assert [refused.body for refused in await door.refusals(answer)] == [json.dumps(item).encode()]
    assert [one.message_id for one in await door.events(answer)] == ["2"]


async def test_it_takes_a_secret_key_in_the_header(door: Door) -> None:
    body = {"batch": [bought()]}
    assert problem(await door.send("/v1/history", body)) == (403, "FORBIDDEN")
    assert problem(await door.send(f"/v1/history?writeKey={door.keys.admin_key}", body, auth=None)) == (
        403,
        "FORBIDDEN",
    )
    assert problem(await door.send("/v1/history", body, auth=None)) == (401, "UNAUTHENTICATED")
    assert await door.is_empty()


async def test_a_batch_is_compressed_and_limited_like_any_other(door: Door) -> None:
    body = json.dumps({"batch": [bought(messageId=str(number)) for number in range(2_500)]}).encode()
    options: Json = {"auth": (door.keys.admin_key, ""), "headers": {"Content-Encoding": "gzip"}}
    answer = await door.send("/v1/history", gzip.compress(body, 1), **options)
    assert (answer.status_code, len(await door.events(answer))) == (200, 2_500)
    assert problem(await load(door, *[bought()] * 2_501)) == (413, "TOO_LARGE")
    assert problem(await door.send("/v1/history", {"batch": [], "context": {"a": 1}}, auth=options["auth"])) == (
        400,
        "BAD_BODY",
    )


async def test_history_and_live_events_never_share_a_row(door: Door) -> None:
    answers = [await load(door, bought()), await door.send("/v1/track", {"userId": "u", "event": "Seen"})]
    assert [[one.imported for one in await door.events(answer)] for answer in answers] == [[True], [False]]
