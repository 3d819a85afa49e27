"""Customers are found by what names them, and read as they are known now."""

from __future__ import annotations

from typing import Any

from services.events.tables import identifiers
from tests.support.histories import DAY, EPOCH
from tests.support.state import FIRST_KEY, State

USER, EMAIL, ANONYMOUS = ("user_id", "u1"), ("email", "ada@example.org"), ("anonymous_id", "a1")


def asked(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"type": type, "value": value} for type, value in pairs]


def ids(answer: dict[str, Any]) -> list[str | None]:
    return [None if customer is None else customer["id"] for customer in answer["customers"]]


async def test_a_customer_shows_identifiers_by_strength_and_each_trait_with_its_origin(database_url: str) -> None:
    known = {"plan": ("gold", EPOCH, "crm"), "visits": (3, EPOCH + DAY, "shop"), "age": (41, EPOCH, "crm")}
    async with State(database_url) as state:
        id = await state.customer(
            ANONYMOUS, EMAIL, USER, verified=[USER], known=known, last_seen_at=EPOCH + DAY + 250_000
        )

        assert await state.post("/internal/customers/read", ids=[id]) == {
            "customers": [
                {
                    "id": id,
                    "identifiers": [
                        {
                            "type": "user_id",
                            "value": "u1",
                            "trust": "VERIFIED",
                            "firstSeenAt": "2026-01-01T00:00:00Z",
                        },
                        {
                            "type": "email",
                            "value": "ada@example.org",
                            "trust": "CLAIMED",
                            "firstSeenAt": "2026-01-01T00:00:00Z",
                        },
                        {
                            "type": "anonymous_id",
                            "value": "a1",
                            "trust": "CLAIMED",
                            "firstSeenAt": "2026-01-01T00:00:00Z",
                        },
                    ],
                    "traits": {"plan": "gold", "visits": 3, "age": 41},
                    "traitHistory": [
                        {"key": "visits", "value": 3, "occurredAt": "2026-01-02T00:00:00Z", "source": "shop"},
                        {"key": "age", "value": 41, "occurredAt": "2026-01-01T00:00:00Z", "source": "crm"},
                        {"key": "plan", "value": "gold", "occurredAt": "2026-01-01T00:00:00Z", "source": "crm"},
                    ],
                    "firstSeenAt": "2026-01-01T00:00:00Z",
                    "lastSeenAt": "2026-01-02T00:00:00.250000Z",
                    "firstEventId": "1-0",
                }
            ]
        }


async def test_trait_values_leave_as_they_were_sent(database_url: str) -> None:
    async with State(database_url) as state:
        big = 2**53 + 1
        id = await state.customer(USER, known={"n": ([big, 1.0, {"é": None}], EPOCH, "shop")})
        response = await state.send("POST", "/internal/customers/read", {"ids": [id]})
        assert f'"traits":{{"n":[{big},1.0,{{"é":null}}]}}' in response.text


async def test_every_identifier_and_the_id_of_every_merged_profile_find_the_same_customer(database_url: str) -> None:
    async with State(database_url) as state:
        id = await state.customer(USER, EMAIL, ANONYMOUS)
        old_id = state.profile(ANONYMOUS).hex()
        found = await state.post(
            "/internal/customers/find",
            identifiers=asked(USER, EMAIL, ANONYMOUS, ("customer_id", id), ("customer_id", old_id)),
        )
        assert ids(found) == [id] * 5
        assert ids(await state.post("/internal/customers/read", ids=[old_id, id])) == [id, id]


async def test_an_address_is_found_in_any_spelling_that_intake_makes_one_of(database_url: str) -> None:
    async with State(database_url) as state:
        id = await state.customer(EMAIL)
        found = await state.post("/internal/customers/find", identifiers=asked(("email", " Ada@Example.org ")))
        assert ids(found) == [id]


async def test_a_customer_id_of_a_source_is_found_when_it_is_none_of_ours(database_url: str) -> None:
    async with State(database_url) as state:
        id = await state.customer(("customer_id", "C-7"))
        found = await state.post(
            "/internal/customers/find", identifiers=asked(("customer_id", "C-7"), ("customer_id", "C-8"))
        )
        assert ids(found) == [id, None]


async def test_who_is_not_known_is_null_in_its_place(database_url: str) -> None:
    async with State(database_url) as state:
        id = await state.customer(USER)
        unknown = ["", "zz", "00" * 16, id.upper(), f" {id}", id[:-2]]
        assert ids(await state.post("/internal/customers/read", ids=[*unknown, id])) == [None] * 6 + [id]
        found = await state.post("/internal/customers/find", identifiers=asked(("user_id", "u2"), USER, ("", "")))
        assert ids(found) == [None, id, None]


async def test_a_customer_who_is_not_folded_yet_is_not_known_yet(database_url: str) -> None:
    async with State(database_url) as state:
        profile = state.profile(USER)
        row = {"profile": profile, "type": "user_id", "value": "u1", "first_key": FIRST_KEY}
        await state.add(identifiers, row | {"cluster": profile, "customer": profile})
        assert ids(await state.post("/internal/customers/find", identifiers=asked(USER))) == [None]


async def test_a_workspace_sees_its_own_customers_only(database_url: str) -> None:
    async with State(database_url, "other") as other:
        id = await other.customer(USER)
        other.workspace = "default"
        assert ids(await other.post("/internal/customers/read", ids=[id])) == [None]
        assert ids(await other.post("/internal/customers/find", identifiers=asked(USER))) == [None]


async def test_a_batch_costs_the_same_queries_whatever_its_size(database_url: str) -> None:
    async with State(database_url) as state:
        people = [await state.customer(("user_id", f"u{number}"), ("email", f"{number}@x")) for number in range(20)]
        await state.post("/internal/customers/find", identifiers=asked(USER))  # reads the workspace's secret, once
        for count in (1, 20):
            with state.statements() as statements:
                await state.post("/internal/customers/read", ids=people[:count])
            assert len(statements) == 3
            with state.statements() as statements:
                users = asked(*(("user_id", f"u{number}") for number in range(count)))
                await state.post("/internal/customers/find", identifiers=users)
            assert len(statements) == 3


async def test_requests_of_another_shape_are_refused_with_the_place(sqlite_url: str) -> None:
    async with State(sqlite_url) as state:
        read, find = "/internal/customers/read", "/internal/customers/find"
        assert await state.refusal(read, ids=["x"] * 101) == (422, "INVALID", [["ids"]])
        assert await state.refusal(read, ids=[], id="x") == (422, "INVALID", [["id"]])
        assert await state.refusal(read, ids=["a\x00"]) == (422, "INVALID", [["ids", "0"]])
        assert await state.refusal(find, identifiers=[{"type": "email"}]) == (
            422,
            "INVALID",
            [["identifiers", "0", "value"]],
        )
        half_a_pair = b'{"identifiers": [{"type": "email", "value": "\\ud800"}]}'
        response = await state.send("POST", find, half_a_pair)
        assert (response.status_code, response.json()["code"]) == (422, "INVALID")
