"""Payloads that nobody on this project made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.events.intake.domain.event import KINDS
from services.events.intake.slots import Recorded
from tests.events.intake.calls import Judgement, judge_call
from tests.events.intake.door import Door

PAYLOADS = Path(__file__).parents[4] / "shared" / "data" / "payloads"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not PAYLOADS.exists(), reason="needs ../shared/data/payloads"),
]


def payloads(folder: str) -> dict[str, Any]:
    return {file.stem: json.loads(file.read_text())["payload"] for file in sorted((PAYLOADS / folder).glob("*.json"))}


def is_wire_form(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("type") in KINDS


ACCOUNT = (("user_id", "019mr8mf4r"),)
ANONYMOUS = ("anonymous_id", "507f191e810c19729de860ea")
PETER = (("user_id", "97980cfea0067"), ANONYMOUS)
ACADEMY = (("user_id", "AiUGstSDIg"), ("anonymous_id", "23adfd82-aa0f-45a7-a756-24f2a7a4c895"))
EXPECTED: dict[str, tuple[Any, ...]] = {
    "alias_2_syntax": (
        ("alias", "Alias", None, None),
        (("user_id", "507f191e81"), ("user_id", "jen@email.com"), ("anonymous_id", "jen@email.com")),
    ),
    "alias_4_examples": (
        ("alias", "Alias", "web", "desktop"),
        (
            ("user_id", "507f191e81"),
            ("user_id", "39239-239239-239239-23923"),
            ("anonymous_id", "39239-239239-239239-23923"),
            ANONYMOUS,
        ),
    ),
    "common_1_structure": (("track", "Report Submitted", "web", "mobile"), PETER),
    "group_3_example": (("group", "Group", "web", "desktop"), PETER),
    "identify_1_sample": (("identify", "Identify", None, None), (PETER[0], ("email", "peter@example.com"))),
    "identify_3_example": (
        ("identify", "Identify", "web", "desktop"),
        (PETER[0], ("email", "peter@example.com"), ANONYMOUS),
    ),
    "page_3_example": (("page", "Home", "web", "desktop"), PETER),
    "screen_3_example": (
        ("screen", "Home", "app", None),
        (PETER[0], ("anonymous_id", "3a12eab0-bca7-11e4-8dfc-aa07a5b093db")),
    ),
    "track_3_example": (("track", "Course Clicked", "web", "desktop"), ACADEMY),
    "track_4_sending_traits_in_a_track_call_destination_actions": (
        ("track", "Button Clicked", "web", "desktop"),
        ACADEMY,
    ),
}
"""(kind, name, channel, device) and the identifiers; of the calls below only the name differs."""
LIFE_OF_AN_ACCOUNT = {
    "b2b_saas": "Account Created, Account Deleted, Signed Up, Signed In, Signed Out, Invite Sent, Account Added User,"
    " Account Removed User, Trial Started, Trial Ended",
    "mobile": "Application Installed, Application Opened, Application Backgrounded, Application Foregrounded,"
    " Application Updated, Application Uninstalled, Application Crashed, Install Attributed,"
    " Push Notification Received, Push Notification Tapped, Push Notification Bounced,"
    " Deep Link Opened, Deep Link Clicked",
}
EXCERPTS = ("group_1_sample", "page_1_sample", "screen_1_sample", "track_1_sample")
"""Shown with the fields left out that all calls have in common, the ids among them."""


def told(judgement: Judgement) -> tuple[Any, ...]:
    assert isinstance(judgement, Recorded), judgement
    return (judgement.kind, judgement.name, judgement.channel, judgement.device), judgement.identifiers


def expected() -> dict[str, tuple[Any, ...]]:
    names = {
        f"{family}_{number}": name
        for family, listed in LIFE_OF_AN_ACCOUNT.items()
        for number, name in enumerate(listed.split(", "), 1)
    }
    accounts = {
        stem: (("track", names["_".join(stem.split("_")[: 3 if stem.startswith("b2b") else 2])], None, None), ACCOUNT)
        for stem in payloads("segment")
        if stem.startswith(tuple(LIFE_OF_AN_ACCOUNT))
    }
    return EXPECTED | accounts


def test_the_calls_of_the_segment_specification_are_the_events_they_mean() -> None:
    judged = {
        name: told(judge_call(json.dumps(payload).encode()))
        for name, payload in payloads("segment").items()
        if is_wire_form(payload) and name not in EXCERPTS
    }
    assert len(judged) == 33
    assert judged == expected()


@pytest.mark.parametrize("name", EXCERPTS)
def test_excerpts_need_somebody_whom_they_are_about(name: str) -> None:
    excerpt = payloads("segment")[name]
    assert judge_call(json.dumps(excerpt).encode()) == ("NO_IDENTIFIER", ())
    event = judge_call(json.dumps(excerpt | {"anonymousId": "a"}).encode())
    assert told(event)[1] == (("anonymous_id", "a"),)


def test_the_chats_of_the_specification_by_their_route() -> None:
    """These four name their kind `action`."""
    judged = [
        told(judge_call(json.dumps(payload).encode(), kind="track"))
        for name, payload in payloads("segment").items()
        if name.startswith("live_chat")
    ]
    assert judged == [
        (("track", f"Live Chat {what}", None, None), ACCOUNT)
        for what in ("Conversation Started", "Conversation Ended", "Message Sent", "Message Received")
    ]


async def test_events_of_another_kind_of_system_are_refused_one_by_one(door: Door) -> None:
    invalid = list(payloads("unomi_invalid").values())
    good = {"type": "track", "userId": "u", "event": "Seen"}
    answer = await door.send("/v1/batch", {"batch": [*invalid, good]})
    assert answer.status_code == 200
    results = [(result["index"], result["code"], result["path"]) for result in answer.json()["results"]]
    assert results == [(index, "BAD_VALUE", ["type"]) for index in range(len(invalid))]
    assert [refused.body for refused in await door.refusals(answer)] == [json.dumps(one).encode() for one in invalid]
    assert len(await door.events(answer)) == 1
