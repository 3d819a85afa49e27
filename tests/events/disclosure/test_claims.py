"""Attacks with a public write key: nothing that anybody only claims is told to a customer, or tells them of another.

What is told to the attacker is what would be told if the victim did not exist, and what is told to the victim is what
would be told if nobody had attacked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.events.disclosure.telling import Identifier, Telling, telling
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import Reality

Json = dict[str, Any]
SHOP = {
    "key": "shop",
    "name": "Shop",
    "version": 1,
    "effectiveFrom": None,
    "publishedAt": "2026-01-01T00:00:00Z",
    "phases": [
        {
            "key": "look",
            "name": "Look",
            "touchpoints": [{"key": "viewed", "name": "V", "recognisedBy": 'name == "View"'}],
        },
        {"key": "buy", "name": "Buy", "touchpoints": [{"key": "bought", "name": "B", "recognisedBy": 'name == "Buy"'}]},
    ],
    "goal": 'name == "Buy"',
    "patience": "P7D",
}
PERSONAS = [
    {"key": "a-pwned", "version": 1, "matches": 'traits.plan == "pwned" || count("View", "P90D") >= 3'},
    {"key": "buyer", "version": 1, "matches": 'traits.plan == "gold" && seen("Buy", "P30D")'},
    {"key": "viewer", "version": 1, "matches": 'seen("View", "P30D")'},
]
VICTIM, VISITOR, EMAIL = ("user_id", "victim"), ("anonymous_id", "a-victim"), ("email", "victim@example.org")
ATTACKER, HIS_VISITOR, HIS_EMAIL = ("user_id", "attacker"), ("anonymous_id", "a-attacker"), ("email", "at@example.org")
VICTIMS, ATTACKERS = (VICTIM, VISITOR, EMAIL), (ATTACKER, HIS_VISITOR, HIS_EMAIL)

# The shop looks at a page without being known, is known from then on, and buys; a call is noted under the address.
LIFE = [
    happening("v1", "View", 1, VISITOR, properties={"of": "the victim"}),
    happening("v2", "Identify", 2, VICTIM, EMAIL, VISITOR, verified=True, kind="identify", traits={"plan": "gold"}),
    happening("v3", "Buy", 3, VICTIM, VISITOR, properties={"price": 7}),
    happening("v4", "Called", 4, EMAIL, verified=True),
]
# The attacker has an account as well.
ACCOUNT = [
    happening("a1", "View", 1.5, HIS_VISITOR),
    happening("a2", "Identify", 2.5, ATTACKER, HIS_VISITOR, verified=True, kind="identify", traits={"plan": "free"}),
]


def claim(name: str, *identifiers: Identifier, **more: Any) -> Json:
    """What the attacker sends with the write key of the website; by default before everything else."""
    return happening(f"x-{name}", "View", more.pop("day", 0), *identifiers, **more)


def saying(name: str, *identifiers: Identifier, **more: Any) -> Json:
    return claim(name, *identifiers, kind="identify", traits={"plan": "pwned", "note": "<script>"}, **more)


ATTACKS = {
    "track with the victim's user id from his browser": [claim("1", VICTIM, HIS_VISITOR)],
    "identify with the victim's user id from his browser": [saying("1", VICTIM, HIS_VISITOR)],
    "identify with the victim's address": [saying("1", EMAIL, HIS_VISITOR)],
    "identify himself with the victim's address": [saying("1", ATTACKER, EMAIL)],
    "identify himself with the victim's visitor id": [saying("1", ATTACKER, VISITOR)],
    "the visitor ids of both": [claim("1", HIS_VISITOR, VISITOR)],
    "alias of the victim to himself": [
        claim("1", ATTACKER, VICTIM, ("anonymous_id", "victim"), kind="alias"),
        claim("2", ATTACKER, VISITOR, ("user_id", "a-victim"), kind="alias"),
    ],
    "alias of himself to the victim": [
        claim("1", VICTIM, ATTACKER, ("anonymous_id", "attacker"), kind="alias"),
        claim("2", VICTIM, HIS_VISITOR, ("user_id", "a-attacker"), kind="alias"),
    ],
    "over a third who belongs to neither": [
        saying("1", VICTIM, ("crm_id", "c"), day=0.1),
        saying("2", ATTACKER, ("crm_id", "c"), day=0.2),
        saying("3", HIS_EMAIL, EMAIL, ("crm_id", "c"), day=0.3),
    ],
    "as the victim, later than anything": [
        claim("1", VICTIM, day=5, properties={"of": "the attacker"}),
        saying("2", VICTIM, day=5),
        saying("3", EMAIL, day=5),
    ],
    "as the victim, with a visitor id of nobody": [saying("1", VICTIM, ("anonymous_id", "new"), day=5)],
    "everything linked with everything": [saying("1", *VICTIMS, *ATTACKERS), saying("2", *ATTACKERS, *VICTIMS)],
}


async def publish(reality: Reality) -> None:
    await reality.publish([SHOP])
    await reality.publish_personas(PERSONAS)


async def told(reality: Reality, known: Iterable[Identifier]) -> list[Json | None]:
    reality.now = EPOCH + 6 * DAY
    await reality.project()
    async with telling(reality) as asked:
        return [await asked.everything(one) for one in known]


@pytest.fixture(params=ATTACKS.values(), ids=ATTACKS.keys())
def attack(request: pytest.FixtureRequest) -> list[Json]:
    events: list[Json] = request.param
    return events


async def test_who_claims_to_be_somebody_reads_nothing_of_them(database_url: str, attack: list[Json]) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record([*ACCOUNT, *attack])
        without_victim = await told(reality, ATTACKERS)
        await reality.record(LIFE)
        assert await told(reality, ATTACKERS) == without_victim
        assert without_victim[0] is not None  # he has an account, and is told of it
        assert [one["messageId"] for one in without_victim[0]["timeline"]["items"]] == ["a2", "a1"]
        assert without_victim[0]["persona"]["persona"] == "viewer"


async def test_nobody_is_told_what_others_claim_of_them(database_url: str, attack: list[Json]) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record(LIFE)
        unharmed = await told(reality, VICTIMS)
        await reality.record([*ACCOUNT, *attack])
        assert await told(reality, VICTIMS) == unharmed
        assert unharmed[0] == unharmed[1] == unharmed[2]
        assert unharmed[0] is not None
        assert unharmed[0]["persona"]["persona"] == "buyer"
        assert [(one["modelVersion"], one["events"]) for one in unharmed[0]["persona"]["because"]] == [
            (1, ["v3"]),
            (1, ["v1"]),
        ]
        assert [one["messageId"] for one in unharmed[0]["timeline"]["items"]] == ["v4", "v3", "v2", "v1"]


async def test_a_visitor_who_is_known_by_nothing_else_reads_what_the_browser_sent(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record([LIFE[0], saying("1", ATTACKER, VISITOR), saying("2", VISITOR, HIS_VISITOR)])
        [visitor] = await told(reality, [VISITOR])
        assert visitor is not None
        assert [one["messageId"] for one in visitor["timeline"]["items"]] == ["v1"]
        assert [(one["type"], one["value"], one["trust"]) for one in visitor["customer"]["identifiers"]] == [
            ("anonymous_id", "a-victim", "CLAIMED")
        ]
        [instance] = visitor["instances"]["items"]
        assert (instance["status"], instance["customerId"]) == ("ACTIVE", visitor["customer"]["id"])


async def test_a_link_that_a_trusted_source_vouches_for_holds_although_a_claim_came_first(database_url: str) -> None:
    """The claim takes the visitor into the attacker's customer, and there the login is refused."""
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record([*ACCOUNT, claim("1", ATTACKER, VISITOR, day=3), *LIFE])
        [victim, attacker] = await told(reality, [VICTIM, ATTACKER])
        assert victim is not None
        assert attacker is not None
        assert [one["value"] for one in victim["customer"]["identifiers"]] == [
            value for _type, value in VICTIMS[::2]
        ] + ["a-victim"]
        assert [one["value"] for one in attacker["customer"]["identifiers"]] == ["attacker", "a-attacker"]


async def test_an_event_does_not_tell_who_else_is_in_it(database_url: str) -> None:
    """A tablet in the shop that both log in on: the second link is refused, and the event is of the second one."""
    async with Reality(database_url) as reality:
        await reality.record([*ACCOUNT, happening("s1", "Asked", 3, VICTIM, HIS_VISITOR, verified=True)])
        [victim] = await told(reality, [VICTIM])
        assert victim is not None
        [event] = victim["timeline"]["items"]
        assert [(one["type"], one["value"]) for one in event["identifiers"]] == [VICTIM]
        assert [(one["type"], one["value"]) for one in victim["customer"]["identifiers"]] == [VICTIM]


async def test_a_ledger_tells_the_links_that_trusted_senders_drew_and_that_were_taken(database_url: str) -> None:
    later = happening("v5", "Moved", 5, VICTIM, ("email", "new@example.org"), verified=True)
    theirs = happening("s1", "Asked", 4.5, VICTIM, HIS_VISITOR, verified=True)  # refused: it is the attacker's
    async with Reality(database_url) as reality:
        await reality.record([*ACCOUNT, *LIFE, theirs, later])
        [victim] = await told(reality, [VISITOR])
        assert victim is not None
        identifiers = victim["customer"]["identifiers"]
        assert [
            ([identifiers.index(one) for one in entry["identifiers"]], entry["trust"], entry["taken"], entry["at"])
            for entry in victim["ledger"]
        ] == [
            ([0, 2], "VERIFIED", True, "2026-01-03T00:00:00Z"),
            ([0, 3], "VERIFIED", True, "2026-01-03T00:00:00Z"),
            ([0, 1], "VERIFIED", True, "2026-01-06T00:00:00Z"),
        ]


async def test_what_only_claims_name_is_nobody(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.record([claim("1", VICTIM), saying("2", EMAIL), claim("3", VICTIM, HIS_VISITOR)])
        assert await told(reality, [VICTIM, EMAIL, HIS_VISITOR, ("user_id", "nobody")]) == [None] * 4


async def test_somebody_else_is_null_whoever_asks(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record([*LIFE, *ACCOUNT])
        reality.now = EPOCH + 6 * DAY
        await reality.project()
        async with telling(reality) as asked:
            await _is_shown_nothing_of_the_victim(asked)


async def _is_shown_nothing_of_the_victim(asked: Telling) -> None:
    victim = await asked.me(VICTIM)
    assert victim is not None
    events = [one["id"] for one in (await asked.timeline(VICTIM))["items"]]
    instances = [one["id"] for one in (await asked.instances(VICTIM))["items"]]
    identifiers = [{"type": type, "value": value} for type, value in VICTIMS]
    identifiers.append({"type": "customer_id", "value": victim["id"]})
    assert await asked.ask("customers/find", ATTACKER, identifiers=identifiers) == [None] * 4
    assert await asked.ask("customers/read", ATTACKER, ids=[victim["id"]]) == [None]
    assert await asked.ask("customers/ledgers", ATTACKER, customers=[victim["id"]]) == [None]
    assert await asked.ask("personas/of-customers", ATTACKER, customers=[victim["id"]]) == [None]
    assert await asked.ask("personas/of-customers", ("user_id", "nobody"), customers=[victim["id"]]) == [None]
    assert await asked.ask("timelines", ATTACKER, customers=[victim["id"]]) == [None]
    assert await asked.ask("events/read", ATTACKER, ids=events) == [None] * 4
    assert await asked.ask("instances/of-customers", ATTACKER, customers=[victim["id"]]) == [None]
    assert await asked.ask("instances/of-events", ATTACKER, events=events) == [[]] * 4
    assert await asked.ask("steps", ATTACKER, instances=instances) == [None]
    assert await asked.ask("instances/explain", ATTACKER, instances=instances) == [None]
    assert await asked.ask("instances/explain", ("user_id", "nobody"), instances=instances) == [None]
    assert [len(found) for found in await asked.ask("instances/of-events", VICTIM, events=events)] == [0, 1, 0, 1]


async def test_pages_go_on_where_the_last_one_ended(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        again = [happening(f"b{day}", "Buy", day, VICTIM, verified=True) for day in (3.5, 4.5)]
        await reality.record([*LIFE, *again])
        reality.now = EPOCH + 6 * DAY
        await reality.project()
        async with telling(reality) as asked:
            first = await asked.timeline(VICTIM, first=4)
            rest = await asked.timeline(VICTIM, first=4, after=first["endCursor"])
            seen = [one["messageId"] for page in (first, rest) for one in page["items"]]
            assert seen == ["b4.5", "v4", "b3.5", "v3", "v2", "v1"]
            assert (first["hasNextPage"], rest["hasNextPage"], rest["hasPreviousPage"]) == (True, False, True)
            steps = await asked.timeline(VICTIM, journey="shop", name=["Buy"])
            assert [one["messageId"] for one in steps["items"]] == ["b4.5", "b3.5", "v3"]

            newest = await asked.instances(VICTIM, first=2)
            oldest = await asked.instances(VICTIM, first=2, after=newest["endCursor"])
            runs = [one["run"] for page in (newest, oldest) for one in page["items"]]
            assert (runs, newest["totalCount"], oldest["hasNextPage"]) == ([3, 2, 1], 3, False)

            run = oldest["items"][0]["id"]
            [one] = await asked.ask("steps", VICTIM, instances=[run], first=1)
            [two] = await asked.ask("steps", VICTIM, instances=[run], first=1, after=one["endCursor"])
            assert [(page["items"][0]["touchpoint"]["key"], page["hasNextPage"]) for page in (one, two)] == [
                ("viewed", True),
                ("bought", False),
            ]


async def test_of_a_long_history_the_newest_events_are_told(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await publish(reality)
        await reality.record([*LIFE, claim("1", VICTIM, day=5), claim("2", VICTIM, HIS_VISITOR, day=5)])
        reality.now = EPOCH + 6 * DAY
        await reality.project()
        async with telling(reality, most=2) as asked:
            assert [one["messageId"] for one in (await asked.timeline(VICTIM))["items"]] == ["v4", "v3"]
            [instance] = (await asked.instances(VICTIM))["items"]
            assert instance["startedAt"] == "2026-01-04T00:00:00Z"
            [why] = await asked.ask("instances/explain", VICTIM, instances=[instance["id"]])
            begun = 'It began with "Buy" on 2026-01-04 00:00:00 UTC, recognised by touchpoint "B" of phase "Buy".'
            assert why[0]["text"] == begun
            assert await asked.persona(VICTIM) is None  # with the login their plan is forgotten, and the view with it
