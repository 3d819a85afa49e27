"""One customer's life in a store that a test fills: what happens to them, and by which identifiers they are known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete

from services.events import tables
from tests.support.histories import DAY, EPOCH, history_event, plain_event
from tests.support.state import Identifier, State

Json = dict[str, Any]


def happening(
    message_id: str, name: str, day: float, *identifiers: Identifier, verified: bool = False, **more: Any
) -> Json:
    """An event on that day, the strongest identifier first."""
    return plain_event(
        message_id, name, EPOCH + round(day * DAY), identifiers=list(identifiers), verified=verified, **more
    )


class Life:
    """The events of a customer named after `identifier`, as identities and timelines stand once they are projected."""

    def __init__(self, state: State, identifier: Identifier) -> None:
        self._state = state
        self._customer = state.profile(identifier)
        self.id = self._customer.hex()
        self._events: list[Json] = []

    async def goes_on(self, *events: Json) -> list[str]:
        """These events come in, in whatever order; their ids."""
        self._events += events
        ids = await self._state.record(*events)
        table = tables.identifiers
        async with self._state.database.write() as connection:
            mine = (table.c.workspace == self._state.workspace, table.c.customer == self._customer)
            await connection.execute(delete(table).where(*mine))
        named = {tuple(identifier) for event in self._events for identifier in event["identifiers"]}
        await self._state.add(table, *(self._row(identifier) for identifier in sorted(named)))
        return ids

    def _row(self, identifier: Identifier) -> Json:
        naming = [event for event in self._events if identifier in event["identifiers"]]
        vouching = [history_event(event).key for event in naming if event["verified"]]
        return {
            "profile": self._state.profile(identifier),
            "type": identifier[0],
            "value": identifier[1],
            "first_key": min(history_event(event).key for event in naming),
            "verified_key": min(vouching, default=None),
            "cluster": self._customer,
            "customer": self._customer,
        }
