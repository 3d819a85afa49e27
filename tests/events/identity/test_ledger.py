"""The ledger says of each link that events assert whether it was taken, why, and which event said so first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from infra.chassis.auth import ServiceTokens
from infra.chassis.http import answer_problems
from services.events.access import AUDIENCE, workspace_of
from services.events.identity import api
from services.events.identity.assertions import LedgerQueries
from services.events.identity.domain import MOST_IN_CLUSTER, NO_CLUSTER
from services.events.identity.queries import CustomerQueries
from services.events.live.past import api as past_api
from services.events.personas.handlers import Assignments
from services.events.personas.queries import OccurrenceQueries, PublishedPersonas
from services.events.tables import links
from services.events.timeline.queries import TimelineQueries
from services.events.timeline.reader import EntryReader
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import WORKSPACE, Reality
from tests.support.state import FIRST_KEY, State

Json = dict[str, Any]
Identifier = tuple[str, str]
ADA, BOB, TABLET = ("user_id", "ada"), ("user_id", "bob"), ("anonymous_id", "tablet")
EMAIL = ("email", "ada@example.org")
TOKENS = ServiceTokens("a signing key that is long enough for HMAC")
PATH = "/internal/customers/ledgers"

BY_TRUST = "A trusted sender says that both are of one customer, and nothing before it spoke against that."
BY_CLAIM = "An event names both, and nothing before it spoke against one customer."
OF_USERS = "Both already belonged to different user ids, which a mere claim does not join."


class Asking:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKENS.mint(AUDIENCE, WORKSPACE)}"}
        response = await self._client.post(path, json=body, headers=headers)
        assert response.status_code == 200, response.text
        [member] = response.json().values()
        return member

    async def id(self, identifier: Identifier) -> str:
        named = [{"type": identifier[0], "value": identifier[1]}]
        [found] = await self.post("/internal/customers/find", identifiers=named)
        id: str = found["id"]
        return id

    async def ledger(self, identifier: Identifier, **page: Any) -> list[Json]:
        [found] = await self.post(PATH, customers=[await self.id(identifier)], **page)
        entries: list[Json] = found
        return entries


@asynccontextmanager
async def projected(database_url: str, *events: Json) -> AsyncIterator[Asking]:
    """What can be read once these events are projected."""
    async with Reality(database_url) as reality:
        reality.now = EPOCH + 9 * DAY
        await reality.record(events)
        await reality.project()
        app = FastAPI()
        answer_problems(app)
        customers, ledgers = CustomerQueries(reality.state, reality.log), LedgerQueries(reality.state)
        timelines = TimelineQueries(reality.state, EntryReader(reality.log))
        app.include_router(api.router(customers, ledgers, workspace_of(TOKENS)))
        assignments = Assignments(PublishedPersonas(reality.state), OccurrenceQueries(reality.state))
        past = past_api.router(reality.state, reality.log, customers, timelines, assignments, workspace_of(TOKENS))
        app.include_router(past)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://events") as client:
            yield Asking(client)


def told(entries: list[Json]) -> list[tuple[list[str], str, bool, str, str]]:
    """Of each entry the values of its identifiers, trust, whether it was taken, the reason and the event."""
    return [
        (
            [one["value"] for one in entry["identifiers"]],
            entry["trust"],
            entry["taken"],
            entry["reason"],
            entry["eventId"],
        )
        for entry in entries
    ]


async def test_an_entry_names_both_identifiers_and_the_event_that_said_so_first(database_url: str) -> None:
    events = [
        happening("late", "View", 2, ADA, TABLET),
        happening("early", "View", 1, ADA, TABLET),
        happening("again", "View", 3, ADA, TABLET),
        happening("login", "Identify", 4, ADA, EMAIL, verified=True, kind="identify"),
    ]
    async with projected(database_url, *events) as asking:
        claimed, vouched = await asking.ledger(EMAIL)
        assert claimed | {"id": ""} == {
            "id": "",
            "kind": "LINK",
            "identifiers": [
                {"type": "user_id", "value": "ada", "trust": "VERIFIED", "firstSeenAt": "2026-01-02T00:00:00Z"},
                {"type": "anonymous_id", "value": "tablet", "trust": "CLAIMED", "firstSeenAt": "2026-01-02T00:00:00Z"},
            ],
            "trust": "CLAIMED",
            "taken": True,
            "reason": BY_CLAIM,
            "eventId": "1-1",
            "at": "2026-01-02T00:00:00Z",
        }
        assert told([vouched]) == [(["ada", "ada@example.org"], "VERIFIED", True, BY_TRUST, "1-3")]


async def test_a_refused_link_is_found_from_both_sides_with_its_reason(database_url: str) -> None:
    """A tablet in a shop that two people log in on."""
    events = [
        happening("1", "View", 1, ADA, TABLET),
        happening("2", "View", 2, BOB, TABLET),
        happening("3", "View", 3, BOB, ("email", "bob@example.org")),
    ]
    async with projected(database_url, *events) as asking:
        refused = (["bob", "tablet"], "CLAIMED", False, OF_USERS, "1-1")
        of_bob = (["bob", "bob@example.org"], "CLAIMED", True, BY_CLAIM, "1-2")
        assert told(await asking.ledger(ADA)) == [(["ada", "tablet"], "CLAIMED", True, BY_CLAIM, "1-0"), refused]
        assert told(await asking.ledger(BOB)) == [refused, of_bob]


async def test_what_a_trusted_sender_says_is_an_entry_beside_the_claim(database_url: str) -> None:
    events = [
        happening("1", "View", 1, ADA, TABLET),
        happening("2", "View", 2, BOB, TABLET),
        happening("3", "View", 3, BOB, TABLET, verified=True),
        happening("4", "Identify", 4, ADA, EMAIL, verified=True),
        happening("5", "Identify", 5, BOB, EMAIL, verified=True),
    ]
    async with projected(database_url, *events) as asking:
        reasons = {entry["id"][-1] + entry["eventId"]: entry["reason"] for entry in await asking.ledger(ADA)}
        assert reasons == {
            "c1-0": BY_CLAIM,
            "c1-1": OF_USERS,
            "v1-2": BY_TRUST,
            "v1-3": BY_TRUST,
            "v1-4": BY_TRUST,
        }
        assert await asking.id(BOB) == await asking.id(ADA)  # nobody had vouched for a user before they were linked


async def test_two_verified_users_stay_apart(database_url: str) -> None:
    events = [
        happening("1", "Identify", 1, ADA, EMAIL, verified=True),
        happening("2", "View", 2, BOB, verified=True),
        happening("3", "Identify", 3, BOB, EMAIL, verified=True),
    ]
    async with projected(database_url, *events) as asking:
        [refused] = await asking.ledger(BOB)
        assert (refused["taken"], refused["trust"], refused["reason"]) == (
            False,
            "VERIFIED",
            "Both already belonged to different verified user ids, which become one customer only where a trusted "
            "sender links the user ids themselves.",
        )


async def test_an_address_too_many_is_refused(database_url: str) -> None:
    events = [happening(str(number), "View", number / 100, ADA, ("email", f"{number}@x")) for number in range(51)]
    async with projected(database_url, *events) as asking:
        entries = await asking.ledger(ADA)
        assert [entry["taken"] for entry in entries] == [True] * 50 + [False]
        assert entries[-1]["reason"] == (
            "Together they would have more identifiers of one type than one customer may have: 50 of type email, "
            "1,000 of any other."
        )
        assert entries == [*await asking.ledger(ADA, first=30), *await asking.ledger(ADA, after=entries[29]["id"])]
        assert await asking.ledger(ADA, after=entries[-1]["id"]) == []


async def test_the_past_has_what_had_been_said_with_the_trust_of_then(database_url: str) -> None:
    events = [
        happening("1", "View", 1, ADA, TABLET),
        happening("2", "View", 2, BOB, TABLET),
        happening("3", "Identify", 3, ADA, EMAIL, verified=True),
    ]
    async with projected(database_url, *events) as asking:
        id = await asking.id(ADA)
        today = await asking.ledger(ADA)
        for moment, count in (("2026-01-01T23:59:59Z", 0), ("2026-01-02T00:00:00Z", 1), ("2026-01-03T12:00:00Z", 2)):
            [entries] = await asking.post("/internal/past/customers/ledgers", asOf=moment, customers=[id])
            assert [entry["id"] for entry in entries] == [entry["id"] for entry in today[:count]]
            assert [entry["taken"] for entry in entries] == [True, False][:count]
            assert {one["trust"] for entry in entries for one in entry["identifiers"]} <= {"CLAIMED"}
        assert [one["trust"] for one in today[0]["identifiers"]] == ["VERIFIED", "CLAIMED"]
        after_that = {"asOf": "2026-01-09T00:00:00Z", "customers": [id, "nobody"]}
        assert await asking.post("/internal/past/customers/ledgers", **after_that) == [today, None]


async def test_links_that_no_cluster_has_room_for_are_found_from_both_sides(database_url: str) -> None:
    async with State(database_url) as state:
        ada, tablet, bob = await state.customer(ADA), await state.customer(TABLET), await state.customer(BOB)
        row = {
            "strong": state.profile(ADA),
            "weak": state.profile(TABLET),
            "verified": False,
            "key": FIRST_KEY,
            "seq": 7,
            "slot": 3,
            "cluster": NO_CLUSTER,
            "refusal": "OVERFULL",
        }
        await state.add(links, row)
        of_ada, of_tablet, of_bob = (await state.post(PATH, customers=[ada, tablet, bob]))["ledgers"]
        assert told(of_ada) == [
            (
                ["ada", "tablet"],
                "CLAIMED",
                False,
                "More than 5,000 identifiers would hang together here, too many to tell whose each is.",
                "7-3",
            )
        ]
        assert (of_tablet, of_bob) == (of_ada, [])


async def test_a_screen_on_which_everybody_logs_in_refuses_who_comes_last(sqlite_url: str) -> None:
    people = [("user_id", f"u{number}") for number in range(MOST_IN_CLUSTER)]
    logins = [happening(str(number), "View", number / DAY, user, TABLET) for number, user in enumerate(people)]
    async with projected(sqlite_url, *logins) as asking:
        [[first], [last]] = [await asking.ledger(people[place], first=1) for place in (0, -1)]
        assert [(first["eventId"], first["taken"]), (last["eventId"], last["taken"])] == [
            ("1-0", True),
            ("1-4999", False),
        ]
        assert "5,000 identifiers would hang together" in last["reason"]


async def test_ledgers_come_in_the_order_asked_by_the_same_queries_whatever_their_number(database_url: str) -> None:
    async with State(database_url) as state:
        people = []
        for number in range(20):
            user, visitor = ("user_id", f"u{number}"), ("anonymous_id", f"a{number}")
            people.append(await state.customer(user, visitor))
            row = {"strong": state.profile(user), "weak": state.profile(visitor), "verified": True}
            row |= {"key": FIRST_KEY, "seq": number, "slot": 0, "cluster": state.profile(user)}
            await state.add(links, row)
        asked = [*reversed(people), "nobody"]
        ledgers = (await state.post(PATH, customers=asked))["ledgers"]
        assert [ledger and [entry["eventId"] for entry in ledger] for ledger in ledgers] == [
            *([f"{number}-0"] for number in reversed(range(20))),
            None,
        ]
        for count in (1, 20):
            with state.statements() as statements:
                await state.post(PATH, customers=people[:count])
            assert len(statements) == 4
        state.workspace = "other"
        assert (await state.post(PATH, customers=people[:1]))["ledgers"] == [None]


async def test_an_entry_to_go_on_from_must_be_in_the_ledger(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        id = await state.customer(ADA)
        assert await state.refusal(PATH, customers=[id], after="x") == (400, "BAD_CURSOR", [])
        assert await state.refusal(PATH, customers=[id], first=101) == (422, "INVALID", [["first"]])
