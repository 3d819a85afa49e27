"""Instances and steps as they are stored, of a small map, and what they add to the counters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from infra.chassis.database import insert_rows
from services.events import tables
from services.events.insights import store
from services.events.insights.domain import Tally
from services.events.live.domain.trail import BEFORE_START
from services.events.live.rows import InstanceRow, StepRow
from services.events.timeline.domain import history_key
from tests.support.histories import DAY, EPOCH
from tests.support.state import State

Json = dict[str, Any]
Walk = tuple[InstanceRow, list[StepRow]]

HOUR = DAY // 24
LOOK = {"key": "look", "name": "Look", "touchpoints": [{"key": "viewed", "name": "Viewed", "recognisedBy": "true"}]}
BUY = {
    "key": "buy",
    "name": "Buy",
    "touchpoints": [
        {"key": "cart", "name": "Cart", "recognisedBy": "true"},
        {"key": "paid", "name": "Paid", "recognisedBy": "true"},
    ],
}
USE = {"key": "use", "name": "Use", "touchpoints": [{"key": "used", "name": "Used", "recognisedBy": "true"}]}


def journey(key: str = "shop", version: int = 1, **fields: Any) -> Json:
    return {"key": key, "name": key, "version": version, "phases": [LOOK, BUY, USE], "goal": "true"} | fields


def walk(name: str, *steps: Json, partition: int = 0, build: int = 1, **columns: Any) -> Walk:
    """An instance, of a customer of its own, with steps `hours` after EPOCH; what columns leave out is of step one."""
    customer = name.encode().ljust(16, b"\x00")
    taken = [_step(customer, build, number, **one) for number, one in enumerate(steps)]
    first, hours = steps[0], [one["hours"] for one in steps]
    row = {
        "customer": customer,
        "build": build,
        "instance": customer,
        "partition": partition,
        "journey": "shop",
        "version": 1,
        "run": 1,
        "status": "ACTIVE",
        "phase": "look",
        "furthest": "look",
        "touchpoint": [one["touchpoint"] for one in steps if one.get("touchpoint")][-1],
        "started_at": EPOCH + int(hours[0] * HOUR),
        "start_key": taken[0].key,
        "start_event": "1-0",
        "channel": first.get("channel"),
        "device": first.get("device"),
        "source": first.get("source", "site"),
        "last_event_at": EPOCH + int(hours[-1] * HOUR),
    }
    return InstanceRow(**(dict.fromkeys(InstanceRow._fields) | row | columns)), taken


def _step(customer: bytes, build: int, number: int, hours: float, source: str = "site", **columns: Any) -> StepRow:
    key = history_key(EPOCH + int(hours * HOUR), None, "track", source, f"m{number}")
    row = {"customer": customer, "build": build, "instance": customer, "key": key, "seq": 1, "slot": number}
    row |= {"phase": "look", "direction": "STAY", "status": "ACTIVE"}
    return StepRow(**(dict.fromkeys(StepRow._fields) | row | columns))


def dropped(phase: str, reason: str = "UNKNOWN", status: str = "ABANDONED", furthest: str | None = None) -> Json:
    """The columns of an instance that ended so."""
    end = {"ended_at": EPOCH + 90 * DAY, "drop_at": EPOCH + 90 * DAY, "drop_evidence": ""}
    drop = {"drop_phase": phase, "drop_reason": reason}
    return {"status": status, "phase": phase, "furthest": furthest or phase} | drop | end


def tallied(walks: Iterable[Walk], sign: int = 1, tally: Tally | None = None) -> Tally:
    tally = Tally() if tally is None else tally
    for row, steps in walks:
        tally.instance(row, sign)
        tally.steps(row, BEFORE_START, steps, sign)
    return tally


async def fill(state: State, walks: Sequence[Walk], workspace: str = "default") -> None:
    """Writes instances, steps and their counters, as the projector does."""
    async with state.database.write() as connection:
        for table, rows in (
            (tables.instances, [row for row, _steps in walks]),
            (tables.steps, [step for _row, steps in walks for step in steps]),
        ):
            columns = ("workspace", *(rows[0]._fields if rows else ()))
            await insert_rows(connection, table, columns, [(workspace, *row) for row in rows])
        await store.apply(connection, workspace, tallied(walks))
