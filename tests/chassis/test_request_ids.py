"""Ids of requests: taken from callers if they are proper, and never left on work that outlives a request."""

from __future__ import annotations

import asyncio

import pytest

from infra.chassis import request_ids


def begun(*values: str) -> str:
    return request_ids.begin([(b"host", b"x"), *((b"x-request-id", value.encode()) for value in values)])


@pytest.mark.parametrize("brought", ["12345678", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "req_1-A" + "x" * 57])
async def test_a_proper_id_is_kept(brought: str) -> None:
    assert begun(brought) == brought == request_ids.current()


@pytest.mark.parametrize(
    "brought", ["", "1234567", "x" * 65, "ada@example.com", "192.168.1.25", "two words", "new\nline12", "réalité-x"]
)
async def test_another_one_is_made_where_it_is_not(brought: str) -> None:
    made = begun(brought)
    assert (len(made), int(made, 16) > 0) == (32, True)
    assert made == request_ids.current() != begun(brought)


async def test_the_first_of_several_counts() -> None:
    assert begun("first-one", "second-one") == "first-one"


async def test_what_outlives_a_request_is_no_request_s() -> None:
    begun("of-a-request")

    async def current() -> str | None:
        return request_ids.current()

    assert await asyncio.create_task(current()) == "of-a-request"
    assert await asyncio.create_task(current(), context=request_ids.outliving()) is None
