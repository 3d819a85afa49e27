"""Which customers are looked at."""

from __future__ import annotations

from random import Random

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.identity.domain import ProfileId
from services.events.tables import customers, identifiers

_PORTION = 5_000


async def sampled(connection: AsyncConnection, workspace: str, most: int | None, seed: int) -> list[ProfileId]:
    """Up to `most` customers, each as likely as any other, in the order of their ids; all if that is None.

    Those that identities tell of and those that something is stored of: neither should be without the other.
    """
    chance = Random(seed)  # noqa: S311  - a choice to be made again, not a secret
    found: list[ProfileId] = []
    every = union(
        *(select(table.c.customer).where(table.c.workspace == workspace) for table in (identifiers, customers))
    )
    seen = 0
    async with connection.stream(every.execution_options(yield_per=_PORTION)) as rows:
        async for [customer] in rows:
            seen += 1
            if most is None or len(found) < most:
                found.append(customer)
            elif (place := chance.randrange(seen)) < most:
                found[place] = customer
    return sorted(found)
