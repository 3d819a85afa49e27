"""Bells: heard by everybody who listens, from whichever thread they are rung."""

from __future__ import annotations

import asyncio
import threading

from infra.chassis.notices import Bell, heard

SECONDS = 10


async def test_all_who_listen_hear_a_ring_from_another_thread() -> None:
    bell = Bell()
    listening = [asyncio.create_task(heard(bell.next(), SECONDS)) for _ in range(3)]
    threading.Thread(target=bell.ring).start()
    assert await asyncio.gather(*listening) == [True, True, True]


async def test_a_ring_while_one_looks_is_not_missed() -> None:
    bell = Bell()
    rung = bell.next()
    bell.ring()
    await asyncio.sleep(0)
    assert await heard(rung, SECONDS)
    assert not await heard(bell.next(), 0.001)


def test_a_bell_that_nobody_listens_to_may_be_rung() -> None:
    bell = Bell()
    bell.ring()
    asyncio.run(_listen(bell))
    bell.ring()


async def _listen(bell: Bell) -> None:
    bell.next()
