"""What others read in our logs: pm4py, which is AGPL and comes with the full profile alone (decision record 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.chassis.clock import to_rfc3339
from tests.events.export.desk import desk
from tests.events.export.test_exports import filled
from tests.support.receipt import needs_the_log, published_receipt_journey, receipt_histories

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore:Install the optional requirement")]
Cases = dict[str, list[tuple[str, str]]]


def read(path: Path) -> Any:
    import pm4py  # type: ignore[import-untyped]

    return pm4py.read_xes(str(path), show_progress_bar=False)


def cases(frame: Any) -> Cases:
    """By case what happened when, in order."""
    found: Cases = {}
    for case, name, at in zip(frame["case:concept:name"], frame["concept:name"], frame["time:timestamp"], strict=True):
        found.setdefault(case, []).append((name, to_rfc3339(int(at.value) // 1_000)))
    return found


async def test_events_and_instances_read_as_they_were_told(database_url: str, tmp_path: Path) -> None:
    async with desk(database_url) as opened:
        await filled(opened.reality)
        expected: Cases = {}
        for one in sorted(await opened.records("events"), key=lambda one: one["occurredAt"]):
            expected.setdefault(one["customer"], []).append((one["name"], one["occurredAt"]))
        (tmp_path / "events.xes").write_text(await opened.text("events.xes"))
        frame = read(tmp_path / "events.xes")
        assert cases(frame) == expected
        [bought] = frame[frame["concept:name"] == "Buy"].to_dict("records")
        assert (bought["properties.total"], bought["properties.gift"], bought["properties.n"]) == (9.5, True, 3)
        (tmp_path / "instances.xes").write_text(await opened.text("instances.xes"))
        frame = read(tmp_path / "instances.xes")
        [instance] = await opened.records("instances")
        assert set(frame["case:status"]) == {"COMPLETED"}
        assert list(cases(frame)) == [instance["id"]]


@pytest.mark.real_data
@needs_the_log
async def test_the_log_of_the_municipality_comes_out_as_it_went_in(sqlite_url: str, tmp_path: Path) -> None:
    histories = receipt_histories()
    async with desk(sqlite_url, at_once=2_000) as opened:
        opened.reality.now = max(event["occurredAt"] for events in histories.values() for event in events)
        await opened.reality.publish([published_receipt_journey()])
        for case, events in histories.items():
            named = {"identifiers": [["user_id", case]], "verified": True}
            await opened.reality.record([event | named for event in events])
        await opened.reality.project()
        (tmp_path / "events.xes").write_text(await opened.text("events.xes"))
    frame = read(tmp_path / "events.xes")
    expected = {
        case: sorted((to_rfc3339(event["occurredAt"]), event["name"]) for event in events)
        for case, events in histories.items()
    }
    names = dict(zip(frame["case:concept:name"], frame["identifiers.user_id"], strict=True))
    found = {names[case]: sorted((at, name) for name, at in trace) for case, trace in cases(frame).items()}
    assert found == expected
