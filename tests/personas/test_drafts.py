"""Drafts: saved as a whole, guarded by revisions, refused with a place for every flaw."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.personas.builders import evidence, item, persona
from tests.personas.conftest import House

LISTS = ("goals", "drives", "challenges", "responsibilities", "pains", "delights", "situations")


async def test_a_draft_comes_back_with_all_defaults_filled_in(house: House) -> None:
    answer = await house.save({"key": "commuter", "name": "Commuter", "narrative": None, "baseRevision": 0})
    assert answer.status_code == 200
    assert answer.json() == {
        "persona": {
            "key": "commuter",
            "name": "Commuter",
            "narrative": None,
            "portrait": None,
            "realGoal": None,
            **{name: [] for name in LISTS},
            "mediaPreferences": [],
            "matches": None,
            "evidence": [],
            "confidence": "ASSUMPTION",
            "version": None,
            "revision": 1,
            "status": "DRAFT",
            "effectiveFrom": None,
            "effectiveUntil": None,
            "publishedAt": None,
        }
    }


async def test_everything_an_author_can_say_is_kept(house: House) -> None:
    survey = evidence(kind="survey", date="2025-11-01T09:00:00+01:00", sampleSize=812, url="https://x.nl/survey")
    rich = persona(
        narrative="Lives outside town, starts at nine.",
        portrait="https://x.nl/commuter.jpg",
        realGoal=item("Be on time without thinking about it", "RESEARCH"),
        **{name: [item(f"The first of {name}", "CUSTOMER_WORKSHOP"), item("Another")] for name in LISTS},
        mediaPreferences=[{"channel": "app", "weight": 0.75}, {"channel": "shop", "weight": 0.0}],
        evidence=[survey],
    )
    saved = (await house.save(rich)).json()["persona"]
    assert await house.read({"key": "commuter", "draft": True}) == [saved]
    stored = {"date": None, "sampleSize": None, "url": None}

    def kept(item: dict[str, Any], rung: str) -> dict[str, Any]:
        return {"text": item["text"], "evidence": [one | stored for one in item["evidence"]], "rung": rung}

    first, another = rich["goals"]
    assert saved["goals"] == [kept(first, "CUSTOMER_WORKSHOP"), kept(another, "ASSUMPTION")]
    assert saved["realGoal"] == kept(rich["realGoal"], "RESEARCH")
    assert [[one["text"] for one in saved[name]] for name in LISTS] == [
        [f"The first of {name}", "Another"] for name in LISTS
    ]
    same = ("name", "narrative", "portrait", "mediaPreferences", "matches")
    assert {name: saved[name] for name in same} == {name: rich[name] for name in same}
    assert saved["evidence"] == [survey | {"date": "2025-11-01T08:00:00Z"}]
    assert saved["confidence"] == "RESEARCH"


async def test_confidence_follows_the_evidence_of_what_was_saved(house: House) -> None:
    async def confidence(**fields: Any) -> str:
        document = (await house.save(persona(**fields))).json()["persona"]
        told: str = document["confidence"]
        return told

    assert await confidence() == "CUSTOMER_DRAWN"
    assert await confidence(realGoal=item("Be on time", "STAFF_BRAINSTORM")) == "STAFF_BRAINSTORM"
    assert await confidence(pains=[item("Rain")]) == "ASSUMPTION"
    assert await confidence(pains=[item("Rain")], evidence=[evidence("CUSTOMER_WORKSHOP")]) == "CUSTOMER_WORKSHOP"


async def test_two_editors_never_lose_work_silently(house: House) -> None:
    """A story. Given a draft that Anna and Bram both opened ..."""
    opened = (await house.save(persona(baseRevision=0))).json()["persona"]["revision"]
    # When Anna saves, and then Bram from what he had opened,
    anna = await house.save(persona(name="Anna's", pains=[item("Rain")], baseRevision=opened))
    bram = await house.save(persona(name="Bram's", delights=[item("Tailwind")], baseRevision=opened))
    # Then Anna's work is there, and Bram is told that somebody was before him.
    assert (anna.status_code, anna.json()["persona"]["revision"]) == (200, 2)
    assert (bram.status_code, bram.json()["code"]) == (409, "CONFLICT")
    [draft] = await house.read({"key": "commuter", "draft": True})
    assert (draft["name"], draft["revision"]) == ("Anna's", 2)
    # When he reads it and adds his own, then both are kept.
    pains = [{"text": one["text"]} for one in draft["pains"]]
    merged = persona(pains=pains, delights=[item("Tailwind")], baseRevision=draft["revision"])
    assert (await house.save(merged)).json()["persona"]["revision"] == 3
    [draft] = await house.read({"key": "commuter", "draft": True})
    assert [[one["text"] for one in draft[name]] for name in ("pains", "delights")] == [["Rain"], ["Tailwind"]]
    # And two who create the same key do not overwrite each other either.
    assert (await house.save(persona(baseRevision=0))).status_code == 409


@pytest.mark.parametrize("base", [0, 1])
async def test_of_many_editors_on_one_revision_exactly_one_wins(house: House, base: int) -> None:
    if base:
        await house.save(persona())
    answers = await asyncio.gather(
        *(house.save(persona(baseRevision=base, name=f"editor {number}")) for number in range(12))
    )
    [winner] = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    [draft] = await house.read({"key": "commuter"})
    assert (draft["name"], draft["revision"]) == (f"editor {winner}", base + 1)


@pytest.mark.parametrize(
    ("flawed", "code", "path"),
    [
        ({"key": "Commuter"}, "INVALID_VALUE", ["key"]),
        ({"name": None}, "INVALID_VALUE", ["name"]),
        ({"name": ""}, "INVALID_VALUE", ["name"]),
        ({"email": "jan@example.nl"}, "INVALID_VALUE", ["email"]),
        ({"portrait": "x" * 2_049}, "INVALID_VALUE", ["portrait"]),
        ({"narrative": "x" * 10_001}, "INVALID_VALUE", ["narrative"]),
        ({"realGoal": {"text": ""}}, "INVALID_VALUE", ["realGoal", "text"]),
        ({"realGoal": {"text": "x", "rung": "RESEARCH"}}, "INVALID_VALUE", ["realGoal", "rung"]),
        ({"goals": [item("x" * 2_001)]}, "INVALID_VALUE", ["goals", "0", "text"]),
        ({"goals": [item("x")] * 51}, "INVALID_VALUE", ["goals"]),
        ({"pains": [item("x", "RUMOUR")]}, "INVALID_VALUE", ["pains", "0", "evidence", "0", "rung"]),
        ({"evidence": [evidence(sampleSize=-1)]}, "INVALID_VALUE", ["evidence", "0", "sampleSize"]),
        ({"evidence": [evidence(date="yesterday")]}, "INVALID_VALUE", ["evidence", "0", "date"]),
        (
            {"mediaPreferences": [{"channel": "app", "weight": 1.01}]},
            "INVALID_VALUE",
            ["mediaPreferences", "0", "weight"],
        ),
        (
            {"mediaPreferences": [{"channel": "app", "weight": -0.01}]},
            "INVALID_VALUE",
            ["mediaPreferences", "0", "weight"],
        ),
        (
            {"mediaPreferences": [{"channel": "app", "weight": 1}, {"channel": "app", "weight": 0}]},
            "DUPLICATE_CHANNEL",
            ["mediaPreferences", "1", "channel"],
        ),
        ({"baseRevision": -1}, "INVALID_VALUE", ["baseRevision"]),
        ({"pains": [item("x" * 2_000, *["RESEARCH"] * 50)] * 50}, "TOO_LARGE", []),
    ],
)
async def test_what_is_wrong_is_named_with_its_place_and_nothing_is_saved(
    house: House, flawed: dict[str, Any], code: str, path: list[str]
) -> None:
    answer = await house.call("PUT", "/internal/personas/commuter/draft", persona() | flawed)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(error["code"], error["path"]) for error in answer.json()["errors"]] == [(code, path)]
    assert await house.read({"key": "commuter"}) == [None]


@pytest.mark.parametrize(
    ("rule", "code", "line", "column"),
    [
        ('traits.segment == "family" &&\n  nmae == "x"', "RULE_UNKNOWN_VARIABLE", 2, 3),
        ('traits.segment = "family"', "RULE_SYNTAX", 1, 16),
        ('status("buy") == "ACTIVE"', "RULE_UNKNOWN_FUNCTION", 1, 1),
        ('count("Product Viewed", "30 days") >= 3', "RULE_VALUE", 1, 25),
        ('since("Order Completed") > 30', "RULE_TYPE", 1, 26),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_with_line_and_column(
    house: House, rule: str, code: str, line: int, column: int
) -> None:
    answer = await house.save(persona(matches=rule))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    [error] = answer.json()["errors"]
    assert (error["code"], error["path"], error["line"], error["column"]) == (code, ["matches"], line, column)


async def test_the_address_and_the_persona_agree_on_the_key(house: House) -> None:
    answer = await house.call("PUT", "/internal/personas/other/draft", persona())
    assert (answer.status_code, answer.json()["code"]) == (422, "KEY_MISMATCH")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b'{"a": "\xff"}', 400), (b"[" * 100_000, 400), (b'{"name": "\\ud800"}', 422), (b"null", 422)],
)
async def test_bytes_that_no_author_means_are_refused(house: House, body: bytes, status: int) -> None:
    headers = house.token() | {"Content-Type": "application/json"}
    answer = await house.client.put("/internal/personas/commuter/draft", content=body, headers=headers)
    assert answer.status_code == status, answer.text
