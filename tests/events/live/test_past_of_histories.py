"""Random histories at every moment of theirs: the past is what the oracle makes of the events until then."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.chassis.clock import from_datetime, to_rfc3339
from tests.oracle import journey as oracle
from tests.support.histories import DAY, EPOCH
from tests.support.lives import Life
from tests.support.random_histories import HALF_DAY, events, journeys
from tests.support.state import State

Json = dict[str, Any]


@settings(max_examples=10, deadline=None, derandomize=True)
@given(journeys(), st.lists(events().filter(bool), min_size=3, max_size=3))
def test_every_moment_of_every_history_is_the_fold_of_the_events_until_then(
    versions: list[Json], histories: list[list[Json]]
) -> None:
    asyncio.run(check(versions, histories))


async def check(versions: list[Json], histories: list[list[Json]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with State(f"sqlite:///{folder}/test.db") as state:
            await state.publish(*versions)
            for number, history in enumerate(histories):
                identifier = ("user_id", f"u{number}")
                life = Life(state, identifier)
                known = [event | {"identifiers": [identifier], "verified": True} for event in history]
                names = dict(zip(await life.goes_on(*known), (event["messageId"] for event in history), strict=True))
                moments = {event["occurredAt"] for event in history}
                for now in sorted(moments | {max(moments) + HALF_DAY - 1, EPOCH + 40 * DAY}):
                    until = [event for event in history if event["occurredAt"] <= now]
                    assert await read(state, life, now, names) == oracle.fold(versions, until, now)


async def read(state: State, life: Life, moment: int, names: dict[str, str]) -> list[Json]:
    """The customer's instances as of the moment, in the oracle's form."""
    as_of = to_rfc3339(moment)
    body: Json = {"asOf": as_of, "customers": [life.id], "first": 100}
    [page] = (await state.post("/internal/past/instances/of-customers", **body))["pages"]
    found: list[Json] = page["items"]
    runs = [{"customer": life.id, "instance": one["id"]} for one in found]
    pages = (await state.post("/internal/past/steps", asOf=as_of, instances=runs, first=100))["pages"]
    shown = [_shown(one, page["items"], names) for one, page in zip(found, pages, strict=True)]
    return sorted(shown, key=lambda one: one["run"])


def _shown(instance: Json, steps: list[Json], names: dict[str, str]) -> Json:
    drop = instance["dropOff"]
    return {
        "run": instance["run"],
        "version": instance["version"],
        "key": instance["key"],
        "status": instance["status"],
        "phase": instance["phase"]["key"],
        "touchpoint": instance["touchpoint"]["key"],
        **{name: _moment(instance[name]) for name in ("startedAt", "lastEventAt", "endedAt", "dueAt")},
        "steps": [
            [
                names[step["eventId"]],
                step["touchpoint"] and step["touchpoint"]["key"],
                step["phase"]["key"],
                step["direction"],
            ]
            for step in steps
        ],
        "dropOff": None
        if drop is None
        else {
            "reason": drop["reason"],
            "phase": drop["phase"]["key"],
            "at": _moment(drop["at"]),
            "evidence": [names[id] for id in drop["evidence"]],
        },
    }


def _moment(text: str | None) -> int | None:
    return None if text is None else from_datetime(datetime.fromisoformat(text))
