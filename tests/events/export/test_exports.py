"""What can be taken out: every event once and every instance, in three formats, whoever asks in which parts."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from services.events.export.events import EventExport
from services.events.export.wanted import Wanted
from services.events.identity.domain import profile_id
from services.events.intake.slots import Refused
from tests.events.export.desk import Desk, desk
from tests.events.intake.door import problem
from tests.events.projector.test_projection import ANONYMOUS, SHOP, USER, event
from tests.support.histories import DAY, EPOCH
from tests.support.reality import WORKSPACE

Json = dict[str, Any]
XES = "{http://www.xes-standard.org/}"

BIG = 2**70
FIRST = event("m0", "View", 0, ANONYMOUS, properties={"sku": 'é & <b> "x"', "big": BIG}, context={"page": {"a": 1}})
LOGIN = event("m1", "Identify", 1, USER, ANONYMOUS, kind="identify", traits={"plan": "gold"}, channel="web")
BOUGHT = event("m2", "Buy", 2, USER, properties={"total": 9.5, "gift": True, "items": [1, {"a": None}], "n": 3})
OTHER = event("m3", "Else", 3, ("user_id", "w"), sequence=7, device="mobile")


async def filled(reality: Any) -> None:
    reality.now = EPOCH + 3 * DAY
    await reality.publish([SHOP])
    await reality.record([FIRST, LOGIN])
    await reality.record([FIRST, BOUGHT])  # the first one again
    await reality.append([Refused("shop", 0, "BAD_VALUE", "no", (), b"{}")])
    await reality.record([OTHER])
    await reality.project()


def named(type: str, value: str) -> str:
    return profile_id(b"s" * 16, type, value).hex()


async def test_every_event_is_told_once_in_the_order_of_the_log(database_url: str) -> None:
    async with desk(database_url) as opened:
        await filled(opened.reality)
        records = await opened.records("events")
        assert [one["messageId"] for one in records] == ["m0", "m1", "m2", "m3"]
        assert {one["messageId"]: one["customer"] for one in records} == {
            "m0": named(*ANONYMOUS),
            "m1": named(*ANONYMOUS),
            "m2": named(*ANONYMOUS),
            "m3": named("user_id", "w"),
        }
        assert records[0] == {
            "id": records[0]["id"],
            "customer": named(*ANONYMOUS),
            "messageId": "m0",
            "kind": "track",
            "name": "View",
            "source": "shop",
            "channel": None,
            "device": None,
            "occurredAt": "2026-01-01T00:00:00Z",
            "receivedAt": "2026-01-01T00:00:00Z",
            "sequence": None,
            "identifiers": [{"type": "anonymous_id", "value": "a"}],
            "properties": {"sku": 'é & <b> "x"', "big": BIG},
            "context": {"page": {"a": 1}},
            "traits": {},
        }


async def test_a_table_says_the_same_as_the_lines(database_url: str) -> None:
    async with desk(database_url) as opened:
        await filled(opened.reality)
        for what in ("events", "instances"):
            records, rows = await opened.records(what), await opened.rows(what)
            assert [list(row) for row in rows] == [list(record) for record in records]
            assert [list(map(_cell, record.values())) for record in records] == [list(row.values()) for row in rows]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


async def test_instances_are_told_as_they_stand(database_url: str) -> None:
    async with desk(database_url) as opened:
        await filled(opened.reality)
        [instance] = await opened.records("instances")
        assert instance == {
            "id": instance["id"],
            "customer": named(*ANONYMOUS),
            "journey": "shop",
            "version": 1,
            "key": None,
            "run": 1,
            "status": "COMPLETED",
            "phase": "buy",
            "touchpoint": "bought",
            "startedAt": "2026-01-01T00:00:00Z",
            "lastEventAt": "2026-01-03T00:00:00Z",
            "endedAt": "2026-01-03T00:00:00Z",
            "dueAt": instance["dueAt"],
            "dropOffReason": None,
            "dropOffPhase": None,
            "dropOffAt": None,
        }


@pytest.mark.parametrize(
    ("at_once", "bytes_at_once"), [(1, 1 << 20), (2, 1 << 20), (20_000, 1 << 20), (20_000, 100), (20_000, 1)]
)
async def test_traces_hold_the_events_of_a_customer_in_order(
    database_url: str, at_once: int, bytes_at_once: int
) -> None:
    async with desk(database_url, at_once=at_once, bytes_at_once=bytes_at_once) as opened:
        await filled(opened.reality)
        traces = traces_of(await opened.text("events.xes"))
        told = {case["concept:name"]: [one["messageId"] for one in events] for case, events in traces}
        assert told == {named(*ANONYMOUS): ["m0", "m1", "m2"], named("user_id", "w"): ["m3"]}
        [events] = [events for case, events in traces if case["concept:name"] == named(*ANONYMOUS)]
        assert events[0] == {
            "concept:name": "View",
            "time:timestamp": "2026-01-01T00:00:00Z",
            "messageId": "m0",
            "kind": "track",
            "source": "shop",
            "identifiers.anonymous_id": "a",
            "properties.sku": 'é & <b> "x"',
            "properties.big": str(BIG),
        }
        assert {name: value for name, value in events[2].items() if name.startswith("properties.")} == {
            "properties.total": 9.5,
            "properties.gift": True,
            "properties.items": '[1,{"a":null}]',
            "properties.n": 3,
        }
        assert (events[1]["traits.plan"], events[1]["channel"]) == ("gold", "web")


@pytest.mark.parametrize(("steps_at_once", "bytes_at_once"), [(1, 1 << 20), (200, 1 << 20), (200, 1)])
async def test_a_walk_is_a_trace_of_its_steps(database_url: str, steps_at_once: int, bytes_at_once: int) -> None:
    async with desk(database_url, steps_at_once=steps_at_once, bytes_at_once=bytes_at_once) as opened:
        await filled(opened.reality)
        [(case, events)] = traces_of(await opened.text("instances.xes"))
        [instance] = await opened.records("instances")
        assert case == {"concept:name": instance.pop("id")} | {
            name: value for name, value in instance.items() if value is not None
        }
        assert [(one["concept:name"], one["touchpoint"], one["phase"], one["direction"]) for one in events] == [
            ("View", "viewed", "look", "START"),
            ("Buy", "bought", "buy", "FORWARD"),
        ]


async def test_no_journey_is_named_by_what_cannot_be_stored(database_url: str) -> None:
    async with desk(database_url) as opened:
        for name in ("events.csv", "instances.jsonl"):
            assert problem(await opened.ask(name, journey="shop\x00")) == (400, "BAD_VALUE")


async def test_a_part_can_be_asked_for(database_url: str) -> None:
    async with desk(database_url) as opened:
        await filled(opened.reality)

        async def told(**query: str) -> list[str]:
            lines = [one["messageId"] for one in await opened.records("events", **query)]
            traces = [
                one["messageId"]
                for _case, events in traces_of(await opened.text("events.xes", **query))
                for one in events
            ]
            assert sorted(traces) == lines
            return lines

        assert await told(**{"from": "2026-01-02", "to": "2026-01-04T00:00:00Z"}) == ["m1", "m2"]
        assert await told(journey="shop") == ["m0", "m2"]
        assert await told(journey="none") == []
        assert len(await opened.records("instances", **{"from": "2026-01-01", "to": "2026-01-02"})) == 1
        assert await opened.records("instances", to="2026-01-01") == []
        assert await opened.records("instances", journey="none") == []


async def test_what_is_held_at_once_is_bounded_by_bytes(sqlite_url: str) -> None:
    """Sixteen customers with sixteen events of a kilobyte each: no part of over 5 kB."""
    async with desk(sqlite_url) as opened:
        said = [event(f"m{n}", "Say", n, ("user_id", f"u{n % 16}"), properties={"x": "x" * 1_000}) for n in range(256)]
        await opened.reality.record(said)
        await opened.reality.project()
        state, log, until = opened.reality.state, opened.reality.log, opened.reality.progress.visible_until
        export = EventExport(state, log, until, bytes_at_once=5_000)
        pages = [page async for page in export.in_log_order(WORKSPACE, Wanted())]
        assert [one.entry.message_id for page in pages for one in page] == [f"m{n}" for n in range(256)]
        assert max(map(len, pages)) == 1
        parts = [part async for part in export.by_customer(WORKSPACE, Wanted())]
        assert max(len(part.entries) for part in parts) == 4
        assert sorted(one.message_id for part in parts for one in part.entries) == sorted(f"m{n}" for n in range(256))
        assert sum(part.is_first for part in parts) == sum(part.is_last for part in parts) == 16


async def test_characters_that_xml_cannot_hold_are_replaced(sqlite_url: str) -> None:
    async with desk(sqlite_url) as opened:
        await opened.reality.record([event("m\x01", "a\tb\nc\x0b", 0, USER)])
        await opened.reality.project()
        [(_case, [one])] = traces_of(await opened.text("events.xes"))
        assert (one["messageId"], one["concept:name"]) == ("m\ufffd", "a\tb\nc\ufffd")


async def test_nothing_there_makes_sound_files(sqlite_url: str) -> None:
    async with desk(sqlite_url) as opened:
        for what in ("events", "instances"):
            assert traces_of(await opened.text(f"{what}.xes")) == []
            assert await opened.text(f"{what}.jsonl") == ""
            assert (await opened.text(f"{what}.csv")).startswith("id,customer,")


async def test_who_may_not_export_is_refused(database_url: str) -> None:
    async with desk(database_url) as opened:
        address = "/v1/export/events.csv"
        assert problem(await opened.client.get(address)) == (401, "UNAUTHENTICATED")
        assert problem(await opened.client.get(address, auth=(opened.write_key, ""))) == (403, "FORBIDDEN")
        assert problem(await opened.client.get(address, params={"writeKey": opened.key})) == (403, "FORBIDDEN")
        assert problem(await opened.client.post(address)) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "then"}, "BAD_TIMESTAMP"),
        ({"to": "x"}, "BAD_TIMESTAMP"),
        ({"x": "y"}, "BAD_REQUEST"),
        ({"journey": "\0"}, "BAD_VALUE"),
    ],
)
async def test_what_is_not_understood_is_refused(sqlite_url: str, query: dict[str, str], code: str) -> None:
    async with desk(sqlite_url) as opened:
        assert problem(await opened.ask("events.csv", **query)) == (400, code)


async def test_other_workspaces_stay_outside(sqlite_url: str) -> None:
    async with desk(sqlite_url) as opened:
        await filled(opened.reality)
        assert await _of_another(opened) == []


async def _of_another(opened: Desk) -> list[Any]:
    export = EventExport(opened.reality.state, opened.reality.log, opened.reality.progress.visible_until)
    return [part async for part in export.by_customer("other", Wanted())] + [
        page async for page in export.in_log_order("other", Wanted())
    ]


def traces_of(text: str) -> list[tuple[Json, list[Json]]]:
    """The attributes of each trace, and of each of its events."""
    log = ElementTree.fromstring(text)
    return [
        (_attributes(trace), [_attributes(one) for one in trace.findall(f"{XES}event")])
        for trace in log.findall(f"{XES}trace")
    ]


def _attributes(element: ElementTree.Element) -> Json:
    read = {"string": str, "date": str, "int": int, "float": float, "boolean": lambda text: text == "true"}
    return {
        child.attrib["key"]: read[child.tag.removeprefix(XES)](child.attrib["value"])
        for child in element
        if child.tag != f"{XES}event"
    }
