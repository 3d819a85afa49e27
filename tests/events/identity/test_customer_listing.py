"""Customers are listed by when they were seen, those who stand somewhere found among them."""

from __future__ import annotations

from typing import Any

import pytest

from services.events.identity import listing
from services.events.identity.listing import Wanted
from services.events.tables import customers, identifiers, instances
from tests.support.histories import DAY, EPOCH
from tests.support.state import FIRST_KEY, State

Json = dict[str, Any]
QUERY = "/internal/customers/query"


def user(name: str) -> tuple[str, str]:
    return ("user_id", name)


async def people(state: State, *names: str) -> dict[str, str]:
    """Customers who were seen one day after the other; the last is seen last."""
    return {name: await state.customer(user(name), last_seen_at=EPOCH + day * DAY) for day, name in enumerate(names, 1)}


async def shown(state: State, known: dict[str, str], **body: Any) -> list[str]:
    names = {id: name for name, id in known.items()}
    return [names[customer["id"]] for customer in (await state.post(QUERY, **body))["items"]]


async def test_who_was_seen_last_comes_first_as_whole_customers(database_url: str) -> None:
    async with State(database_url) as state:
        known = await people(state, "ada", "bob", "cleo")
        page = await state.post(QUERY)
        read = await state.post("/internal/customers/read", ids=[known[name] for name in ("cleo", "bob", "ada")])
        assert page["items"] == read["customers"]
        assert (page["hasNextPage"], page["hasPreviousPage"], page["totalCount"]) == (False, False, None)


async def test_pages_go_on_also_between_those_who_were_seen_at_one_moment(database_url: str) -> None:
    async with State(database_url) as state:
        ids = [await state.customer(user(str(number)), last_seen_at=EPOCH) for number in range(5)]
        newest = await state.customer(user("newest"), last_seen_at=EPOCH + 1)
        seen: list[str] = []
        page: Json = {"endCursor": None, "hasNextPage": True}
        while page["hasNextPage"]:
            page = await state.post(QUERY, first=2, after=page["endCursor"])
            assert page["hasPreviousPage"] == bool(seen)
            seen += [customer["id"] for customer in page["items"]]
        assert seen == [newest, *sorted(ids, reverse=True)]
        end = await state.post(QUERY, first=2, after=page["endCursor"])
        assert (end["items"], end["endCursor"], end["hasNextPage"]) == ([], None, False)


async def stand(state: State, known: dict[str, str]) -> None:
    """Ada: an order that is paid, and another that is not. Bob: an abandoned claim. Cleo: nothing that is shown."""
    await state.instance("a1", known["ada"], status="COMPLETED", phase="buy")
    await state.instance("a2", known["ada"], status="ACTIVE", phase="look", run=2)
    await state.instance("b", known["bob"], journey="claim", status="ABANDONED", phase="buy")
    replaced, growing = await state.build("shop", "RETIRED"), await state.build("claim", "BUILDING")
    await state.instance("c1", known["cleo"], build=replaced)
    await state.instance("c2", known["cleo"], build=growing, journey="claim")


FILTERS: list[tuple[Json, list[str]]] = [
    ({}, ["cleo", "bob", "ada"]),
    ({"journey": "shop"}, ["ada"]),
    ({"journey": "claim"}, ["bob"]),
    ({"journey": "nothing"}, []),
    ({"status": ["ACTIVE"]}, ["ada"]),
    ({"status": ["ACTIVE", "ABANDONED"]}, ["bob", "ada"]),
    ({"status": []}, []),
    ({"phase": "buy"}, ["bob", "ada"]),
    ({"journey": "shop", "phase": "buy", "status": ["COMPLETED"]}, ["ada"]),
    (
        {"journey": "shop", "phase": "buy", "status": ["ACTIVE"]},
        [],
    ),  # she stands there with two instances, not with one
    ({"seenSince": "2026-01-03T00:00:00Z"}, ["cleo", "bob"]),
    ({"seenSince": "2026-01-03T01:00:00.000001+01:00"}, ["cleo"]),
    ({"seenSince": "2026-01-04T00:00:00.000001Z"}, []),
    ({"identifier": {"type": "user_id", "value": "bob"}}, ["bob"]),
    ({"identifier": {"type": "user_id", "value": "nobody"}}, []),
    ({"identifier": {"type": "user_id", "value": "bob"}, "journey": "claim"}, ["bob"]),
    ({"identifier": {"type": "user_id", "value": "bob"}, "journey": "shop"}, []),
    ({"identifier": {"type": "user_id", "value": "ada"}, "seenSince": "2026-01-03T00:00:00Z"}, []),
    ({"journey": None, "status": None, "phase": None, "seenSince": None, "identifier": None}, ["cleo", "bob", "ada"]),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS, ids=[str(where) for where, _ in FILTERS])
async def test_each_filter_lets_pass_who_meets_it(database_url: str, where: Json, expected: list[str]) -> None:
    async with State(database_url) as state:
        known = await people(state, "ada", "bob", "cleo")
        await stand(state, known)
        assert await shown(state, known, where=where) == expected


async def test_an_identifier_is_one_of_before_a_merge_as_well_and_names_nobody_twice(database_url: str) -> None:
    async with State(database_url) as state:
        id = await state.customer(user("ada"), ("email", "ada@example.org"))
        before = state.profile(("email", "ada@example.org")).hex()
        for named in (("email", " Ada@Example.org"), ("customer_id", id), ("customer_id", before)):
            page = await state.post(QUERY, where={"identifier": {"type": named[0], "value": named[1]}})
            assert [customer["id"] for customer in page["items"]] == [id]
            after = await state.post(
                QUERY, where={"identifier": {"type": named[0], "value": named[1]}}, after=page["endCursor"]
            )
            assert (after["items"], after["hasNextPage"]) == ([], False)


async def test_who_has_become_part_of_another_is_not_listed_while_it_is_still_to_be_folded(database_url: str) -> None:
    async with State(database_url) as state:
        known = await people(state, "ada", "bob")
        async with state.database.write() as connection:
            merged = identifiers.update().where(identifiers.c.profile == bytes.fromhex(known["bob"]))
            await connection.execute(merged.values(customer=bytes.fromhex(known["ada"])))
        assert await shown(state, known) == ["ada"]


async def test_a_workspace_lists_its_own_customers_only(database_url: str) -> None:
    async with State(database_url, "other") as other:
        id = await other.customer(user("ada"))
        await other.instance("a", id)
        assert [one["id"] for one in (await other.post(QUERY, where={"journey": "shop"}))["items"]] == [id]
        other.workspace = "default"
        assert [(await other.post(QUERY, where=where))["items"] for where in ({}, {"journey": "shop"})] == [[], []]


async def listed(state: State, wanted: Wanted, after: str | None = None, most: int = 10) -> tuple[list[str], Any, Any]:
    async with state.database.read() as connection:
        page = await listing.listed(connection, "default", wanted, 3, after, most)
    return [customer.hex() for customer in page.items], page.end_cursor, page.has_next_page


async def test_a_page_looks_at_so_many_customers_and_says_where_to_go_on(database_url: str) -> None:
    async with State(database_url) as state:
        known = await people(state, *(f"c{number:02}" for number in range(35)))
        rare = [known["c31"], known["c14"], known["c12"], known["c10"], known["c01"]]
        for number, id in enumerate(known.values()):
            phase = "rare" if id in rare else "look"
            await state.instance(f"i{number}", id, phase=phase)
        wanted = Wanted(journey="shop", standing=[instances.c.phase == "rare"])
        pages, after, more = [], None, True
        while more:
            found, after, more = await listed(state, wanted, after)
            pages.append(found)
        assert pages == [rare[:1], [], rare[1:4], rare[4:]]


async def test_a_journey_with_few_instances_is_looked_through_from_there(database_url: str) -> None:
    async with State(database_url) as state:
        known = await people(state, *(f"c{number:02}" for number in range(35)))
        few = [known[name] for name in ("c33", "c12", "c10", "c02", "c01")]
        for number, id in enumerate(few):
            await state.instance(f"i{number}", id, status="ACTIVE" if number else "PAUSED")
        assert await listed(state, Wanted(journey="shop")) == (few[:3], await cursor(state, few[2]), True)
        rest = await listed(state, Wanted(journey="shop"), await cursor(state, few[2]))
        assert rest == (few[3:], await cursor(state, few[4]), False)
        paused = Wanted(journey="shop", standing=[instances.c.status == "PAUSED"])
        assert await listed(state, paused) == (few[:1], await cursor(state, few[0]), False)
        since = Wanted(own=[customers.c.last_seen_at >= EPOCH + 13 * DAY], journey="shop")
        assert await listed(state, since) == (few[:2], await cursor(state, few[1]), False)
        assert await listed(state, Wanted(journey="nothing")) == ([], None, False)


async def cursor(state: State, id: str) -> str:
    page = await state.post(QUERY, where={"identifier": {"type": "customer_id", "value": id}})
    text: str = page["endCursor"]
    return text


async def test_a_page_costs_the_same_queries_whatever_its_size(database_url: str) -> None:
    async with State(database_url) as state:
        for name, id in (await people(state, *(f"c{number}" for number in range(20)))).items():
            await state.instance(name, id)
        for where, count in (({}, 3), ({"journey": "shop"}, 4)):
            for first in (1, 20):
                with state.statements() as statements:
                    await state.post(QUERY, first=first, where=where)
                assert len(statements) == count


async def test_a_wish_that_cannot_be_met_is_refused_with_the_place(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        assert await state.refusal(QUERY, where={"persona": "family"}) == (422, "INVALID", [["where", "persona"]])
        assert await state.refusal(QUERY, where={"status": ["GONE"]}) == (422, "INVALID", [["where", "status", "0"]])
        assert await state.refusal(QUERY, where={"seenSince": "2026-01-01T00:00:00"}) == (
            422,
            "INVALID",
            [["where", "seenSince"]],
        )
        assert await state.refusal(QUERY, first=101) == (422, "INVALID", [["first"]])
        instance_cursor = (await state.post("/internal/instances/query"))["endCursor"] or "aQ"
        for after in ("", "?", instance_cursor):
            assert await state.refusal(QUERY, after=after) == (400, "BAD_CURSOR", [])


async def test_a_customer_who_is_not_folded_yet_is_not_listed(database_url: str) -> None:
    async with State(database_url) as state:
        profile = state.profile(user("ada"))
        row = {"profile": profile, "type": "user_id", "value": "ada", "first_key": FIRST_KEY}
        await state.add(identifiers, row | {"cluster": profile, "customer": profile})
        assert (await state.post(QUERY))["items"] == []
