"""Drafts: saved as a whole, guarded by revisions, refused with a place for every flaw."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.journeys.builders import journey, phase, touchpoint
from tests.journeys.conftest import House


async def test_a_draft_comes_back_with_all_defaults_filled_in(house: House) -> None:
    answer = await house.save(journey(customerGoal=None, baseRevision=0))
    assert answer.status_code == 200
    viewed = {"key": "viewed", "name": "Viewed", "recognisedBy": 'name == "Viewed"'}
    ordered = {"key": "ordered", "name": "Ordered", "recognisedBy": 'name == "Ordered"'}
    bare: dict[str, Any] = {
        "channel": "any",
        "owner": None,
        "claimedEmotion": None,
        "momentOfTruth": False,
        "lanes": [],
    }
    described = {"customerGoal": None, "expectation": None, "patience": None, "mandatory": True}
    empty: dict[str, Any] = {"means": [], "lanes": [], "outsideFigures": []}
    assert answer.json() == {
        "warnings": [],
        "journey": {
            "key": "order",
            "name": "Order a bicycle",
            "customerGoal": None,
            "personas": [],
            "phases": [
                {"key": "look", "name": "Look", "touchpoints": [viewed | bare]} | described | empty,
                {"key": "buy", "name": "Buy", "touchpoints": [ordered | bare]} | described | empty,
            ],
            "startsWhen": None,
            "goal": 'name == "Ordered"',
            "cancelledWhen": None,
            "returnedWhen": None,
            "pausedWhen": None,
            "resumedWhen": None,
            "instanceKey": None,
            "scope": None,
            "patience": "P30D",
            "pausePatience": "P90D",
            "reentry": "ALWAYS",
            "restartAllowed": False,
            "dropOffReasons": [],
            "hypotheses": [],
            "version": None,
            "revision": 1,
            "status": "DRAFT",
            "effectiveFrom": None,
            "effectiveUntil": None,
            "publishedAt": None,
        },
    }


async def test_everything_an_author_can_say_is_kept(house: House) -> None:
    evidence = {
        "rung": "RESEARCH",
        "kind": "interviews",
        "summary": "12 buyers",
        "sampleSize": 12,
        "url": "https://x.nl",
    }
    lane = {"lane": "thinking", "text": "Which size?", "evidence": [evidence | {"date": "2025-11-01T09:00:00+01:00"}]}
    rich = journey(
        customerGoal="Ride to work",
        personas=["commuter"],
        phases=[
            phase(
                "look",
                touchpoint("viewed", channel="web", owner="shop", claimedEmotion=-1, momentOfTruth=True, lanes=[lane]),
                customerGoal="Compare",
                expectation="Clear prices",
                mandatory=False,
                patience="P7D",
                means=[{"key": "guide", "name": "Guide", "channel": "web", "personas": ["a"], "content": {"n": 2**70}}],
                lanes=[lane],
                outsideFigures=[{"name": "Searches", "value": 3.5, "unit": "k", "source": "s", "date": "2025-01-01"}],
            )
        ],
        instanceKey="properties.order_id",
        reentry="AFTER_END",
        restartAllowed=True,
        dropOffReasons=[{"reason": "EXTRA_COST", "when": 'name == "Viewed" && properties.costs > 10'}],
        hypotheses=[{"key": "h1", "statement": "Faster is better", "measure": "goalRate", "claim": 0.3}],
    )
    saved = (await house.save(rich)).json()["journey"]
    [read] = await house.read({"key": "order", "draft": True})
    assert read == saved
    [look] = saved["phases"]
    stored_lane = lane | {"evidence": [evidence | {"date": "2025-11-01T08:00:00Z"}]}
    assert look["touchpoints"] == [
        rich["phases"][0]["touchpoints"][0] | {"lanes": [stored_lane], "claimedEmotion": -1.0}
    ]
    assert look["means"] == rich["phases"][0]["means"]
    assert look["outsideFigures"] == [
        {"name": "Searches", "value": 3.5, "unit": "k", "source": "s", "date": "2025-01-01T00:00:00Z"}
    ]
    assert {name: saved[name] for name in ("hypotheses", "dropOffReasons", "reentry")} == {
        name: rich[name] for name in ("hypotheses", "dropOffReasons", "reentry")
    }


async def test_revisions_guard_against_lost_updates(house: House) -> None:
    async def save(base: int | None) -> tuple[int, Any]:
        answer = await house.save(journey(baseRevision=base, name=f"from {base}"))
        document = answer.json()
        return answer.status_code, document["journey"]["revision"] if answer.is_success else document["code"]

    assert await save(1) == (409, "CONFLICT")
    assert await save(0) == (200, 1)
    assert await save(0) == (409, "CONFLICT")
    assert await save(1) == (200, 2)
    assert await save(1) == (409, "CONFLICT")
    assert await save(3) == (409, "CONFLICT")
    assert await save(None) == (200, 3)
    [draft] = await house.read({"key": "order"})
    assert (draft["name"], draft["revision"]) == ("from None", 3)


@pytest.mark.parametrize("base", [0, 1])
async def test_of_many_editors_on_one_revision_exactly_one_wins(house: House, base: int) -> None:
    if base:
        await house.save(journey())
    answers = await asyncio.gather(
        *(house.save(journey(baseRevision=base, name=f"editor {number}")) for number in range(12))
    )
    winners = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    [draft] = await house.read({"key": "order"})
    assert (draft["name"], draft["revision"]) == (f"editor {winners[0]}", base + 1)


async def test_replacing_at_once_loses_no_revision(house: House) -> None:
    answers = await asyncio.gather(*(house.save(journey(name=f"editor {number}")) for number in range(12)))
    revisions = {answer.json()["journey"]["revision"]: answer.json()["journey"]["name"] for answer in answers}
    assert sorted(revisions) == list(range(1, 13))
    [draft] = await house.read({"key": "order"})
    assert draft["name"] == revisions[12]


@pytest.mark.parametrize(
    ("flawed", "code", "path"),
    [
        ({"key": "Order"}, "INVALID_VALUE", ["key"]),
        ({"key": "k" * 65}, "INVALID_VALUE", ["key"]),
        ({"name": None}, "INVALID_VALUE", ["name"]),
        ({"colour": "red"}, "INVALID_VALUE", ["colour"]),
        ({"phases": []}, "INVALID_VALUE", ["phases"]),
        (
            {"phases": [phase("a", touchpoint("t", claimedEmotion=2.5))]},
            "INVALID_VALUE",
            ["phases", "0", "touchpoints", "0", "claimedEmotion"],
        ),
        ({"phases": [phase("a", mandatory="yes")]}, "INVALID_VALUE", ["phases", "0", "mandatory"]),
        ({"reentry": "SOMETIMES"}, "INVALID_VALUE", ["reentry"]),
        ({"baseRevision": -1}, "INVALID_VALUE", ["baseRevision"]),
        ({"patience": "P1M"}, "INVALID_DURATION", ["patience"]),
        ({"instanceKey": "order_id"}, "INVALID_INSTANCE_KEY", ["instanceKey"]),
        (
            {"phases": [phase("a", touchpoint("t")), phase("b", touchpoint("t"))]},
            "DUPLICATE_KEY",
            ["phases", "1", "touchpoints", "0", "key"],
        ),
    ],
)
async def test_what_is_wrong_is_named_with_its_place_and_nothing_is_saved(
    house: House, flawed: dict[str, Any], code: str, path: list[str]
) -> None:
    answer = await house.call("PUT", "/internal/journeys/order/draft", journey() | flawed)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(error["code"], error["path"]) for error in answer.json()["errors"]] == [(code, path)]
    assert await house.read({"key": "order"}) == [None]


async def test_a_rule_that_does_not_parse_is_refused_with_line_and_column(house: House) -> None:
    rule = 'name == "Ordered" &&\n  nmae == "x"'
    answer = await house.save(
        journey(phases=[phase("look", touchpoint("viewed"), touchpoint("asked", rule))], goal='name = "x"')
    )
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [(error["code"], error["path"], error["line"], error["column"]) for error in errors] == [
        ("RULE_SYNTAX", ["goal"], 1, 6),
        ("RULE_UNKNOWN_VARIABLE", ["phases", "0", "touchpoints", "1", "recognisedBy"], 2, 3),
    ]
    assert answer.json()["code"] == "RULE_SYNTAX"


async def test_a_draft_may_lack_its_goal_and_still_be_warned_about(house: House) -> None:
    answer = await house.save(journey(goal=None, instanceKey="context.sessionId"))
    assert answer.status_code == 200
    assert [(warning["code"], warning["path"]) for warning in answer.json()["warnings"]] == [
        ("INSTANCE_KEY_TOO_BROAD", ["instanceKey"])
    ]


async def test_the_address_and_the_journey_agree_on_the_key(house: House) -> None:
    answer = await house.call("PUT", "/internal/journeys/other/draft", journey())
    assert (answer.status_code, answer.json()["code"]) == (422, "KEY_MISMATCH")


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"{", 422, ["1"]),
        (b'{"a": "\xff"}', 400, None),
        (b"[" * 100_000, 400, None),
        (b'{"name": "\\ud800"}', 422, ["name"]),
        (b'{"hypotheses": [{"claim": NaN}]}', 422, ["hypotheses", "0", "claim"]),
        (b'{"phases": [{"means": [{"content": {"\\ud800": 1}}]}]}', 422, ["phases", "0", "means", "0", "content"]),
        (b'{"phases": [{"means": [{"content": Infinity}]}]}', 422, ["phases", "0", "means", "0", "content"]),
        (
            b'{"phases": [{"means": [{"content": "' + b"x" * 65_536 + b'"}]}]}',
            422,
            ["phases", "0", "means", "0", "content"],
        ),
        (b'{"phases": [{"means": [{"content": ' + b"[" * 800 + b"]" * 800 + b"}]}]}", 422, ["name"]),
    ],
)
async def test_bytes_that_no_author_means_are_refused(
    house: House, body: bytes, status: int, path: list[str] | None
) -> None:
    headers = house.token() | {"Content-Type": "application/json"}
    answer = await house.client.put("/internal/journeys/order/draft", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    if path is not None:
        assert path in [error["path"] for error in answer.json()["errors"]]
