"""What the stores hold, read with a few queries: the log's messages, and customers in the oracles' form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from infra.chassis.database import Database
from services.events import log_tables, tables
from services.events.intake.slots import Recorded, unpack
from services.events.live import traits

Json = dict[str, Any]


async def logged_messages(log: Database) -> list[str]:
    """The message id of every event in the log, repeats included, in the order of the rows."""
    async with log.read() as connection:
        bodies = (await connection.execute(select(log_tables.log.c.body).order_by(log_tables.log.c.seq))).scalars()
        return [slot.message_id for body in bodies for slot in unpack(body) if isinstance(slot, Recorded)]


async def rejected_events(state: Database) -> int:
    """How many there are."""
    async with state.read() as connection:
        return len((await connection.execute(select(tables.rejected_events.c.seq))).all())


async def projected_customers(state: Database) -> list[Json]:
    """Customers, each with its instances, in the order of their first event."""
    identifiers = await _by(state, tables.identifiers, "customer")
    timeline = await _by(state, tables.timeline, "profile")
    live = {row.build for row in (await _by(state, tables.builds, "state"))["LIVE"]}
    instances = await _by(state, tables.instances, "customer", live)
    steps = await _by(state, tables.steps, "instance", live)
    found = []
    for [row] in (await _by(state, tables.customers, "customer")).values():
        known = identifiers[row.customer]
        keys = sorted(one.key for identifier in known for one in timeline[identifier.profile])
        customer = {
            "id": row.customer,
            "identifiers": sorted([one.type, one.value] for one in known),
            "events": [message_id(key) for key in keys],
            "traits": {name: msgspec.json.decode(trait.value) for name, trait in traits.read(row.traits).items()},
            "instances": [
                _instance(one, sorted(steps[one.instance], key=lambda step: step.key))
                for one in sorted(instances[row.customer], key=lambda one: (one.journey, one.run))
            ],
        }
        found.append((keys[0], customer))
    return [customer for _first, customer in sorted(found, key=lambda pair: pair[0])]


def message_id(key: bytes) -> str:
    """The message id at the end of a history key."""
    return key.rpartition(b"\x00")[2].decode()


async def _by(state: Database, table: Any, column: str, builds: Collection[int] | None = None) -> dict[Any, list[Any]]:
    """All rows of a table, or those of some builds, grouped by one of its columns."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    async with state.read() as connection:
        for row in await connection.execute(select(table)):
            if builds is None or row.build in builds:
                groups[getattr(row, column)].append(row)
    return groups


def _instance(row: Any, steps: Sequence[Any]) -> Json:
    assert {(step.customer, step.build) for step in steps} == {(row.customer, row.build)}, "steps of somebody else"
    places = {f"{step.seq}-{step.slot}": message_id(step.key) for step in steps}
    return {
        "run": row.run,
        "version": row.version,
        "key": row.key,
        "status": row.status,
        "phase": row.phase,
        "touchpoint": row.touchpoint,
        "startedAt": row.started_at,
        "lastEventAt": row.last_event_at,
        "endedAt": row.ended_at,
        "dueAt": row.due_at,
        "steps": [[message_id(step.key), step.touchpoint, step.phase, step.direction] for step in steps],
        "dropOff": None
        if row.drop_reason is None
        else {
            "reason": row.drop_reason,
            "phase": row.drop_phase,
            "at": row.drop_at,
            "evidence": [places[id] for id in row.drop_evidence.split()],
        },
    }
