"""`GET /v1/export/{events,instances}.{csv,jsonl,xes}`: streamed as it is read, for secret keys that may export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.chassis.clock import to_rfc3339
from infra.chassis.errors import Forbidden, Unauthenticated
from infra.chassis.http import EndlessResponse
from services.events.control.domain import EXPORT
from services.events.control.keyring import KeyRing
from services.events.export import xes
from services.events.export.events import EventExport, Part
from services.events.export.instances import InstanceExport, Walk
from services.events.export.schemas import EventRecord, InstanceRecord, event_record, instance_record
from services.events.export.tables import csv_head, csv_lines, json_lines
from services.events.export.wanted import Wanted, read_wanted
from services.events.intake.callers import caller_of
from services.events.intake.entrance import Endpoint, Entrance
from services.events.intake.handlers import beside
from services.events.intake.slots import size_of
from services.events.timeline.entry import Entry

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "xes": "application/xml; charset=utf-8"}
_MANY_BYTES = 256 * 1024
"""From here on a walk is written in a thread: others are answered meanwhile."""
Pages = AsyncGenerator[bytes, None]
Write = Callable[[str, Wanted], Pages]


def entrances(keys: KeyRing, events: EventExport, instances: InstanceExport) -> Mapping[str, Entrance]:
    """What stands at the paths of exports."""
    writers: dict[str, Write] = {
        "events.csv": lambda workspace, wanted: _event_table(events, workspace, wanted),
        "events.jsonl": lambda workspace, wanted: _event_lines(events, workspace, wanted),
        "events.xes": lambda workspace, wanted: _event_traces(events, workspace, wanted),
        "instances.csv": lambda workspace, wanted: _instance_table(instances, workspace, wanted),
        "instances.jsonl": lambda workspace, wanted: _instance_lines(instances, workspace, wanted),
        "instances.xes": lambda workspace, wanted: _instance_traces(instances, workspace, wanted),
    }
    return {
        f"/v1/export/{name}": Entrance("GET", _endpoint(keys, name, write), for_pages=False)
        for name, write in writers.items()
    }


def _endpoint(keys: KeyRing, name: str, write: Write) -> Endpoint:
    async def export(request: Request) -> Response:
        caller = await caller_of(request, keys)
        if caller is None:
            raise Unauthenticated("Give a secret key as `Authorization: Bearer key`.")
        if EXPORT not in caller.scopes:
            raise Forbidden(f"This key may not export: it lacks the scope {EXPORT}.")
        wanted = read_wanted(request.query_params)
        headers = {
            "Content-Type": _TYPES[name.rpartition(".")[2]],
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return EndlessResponse(write(caller.workspace, wanted), headers)

    return export


async def _event_table(events: EventExport, workspace: str, wanted: Wanted) -> Pages:
    yield csv_head(EventRecord.__struct_encode_fields__)
    async for page in events.in_log_order(workspace, wanted):
        yield await asyncio.to_thread(csv_lines, [event_record(one.entry, one.customer) for one in page])


async def _event_lines(events: EventExport, workspace: str, wanted: Wanted) -> Pages:
    async for page in events.in_log_order(workspace, wanted):
        yield await asyncio.to_thread(json_lines, [event_record(one.entry, one.customer) for one in page])


async def _instance_table(instances: InstanceExport, workspace: str, wanted: Wanted) -> Pages:
    yield csv_head(InstanceRecord.__struct_encode_fields__)
    async for rows in instances.oldest_first(workspace, wanted):
        yield csv_lines([instance_record(row) for row in rows])


async def _instance_lines(instances: InstanceExport, workspace: str, wanted: Wanted) -> Pages:
    async for rows in instances.oldest_first(workspace, wanted):
        yield json_lines([instance_record(row) for row in rows])


async def _event_traces(events: EventExport, workspace: str, wanted: Wanted) -> Pages:
    yield xes.HEAD
    async for part in events.by_customer(workspace, wanted):
        yield await asyncio.to_thread(_customer_trace, part)
    yield xes.TAIL


async def _instance_traces(instances: InstanceExport, workspace: str, wanted: Wanted) -> Pages:
    yield xes.HEAD
    async for walk in instances.walks(workspace, wanted):
        yield await beside(
            sum(size_of(step.event.recorded) for step in walk.steps) > _MANY_BYTES, _instance_trace, walk
        )
    yield xes.TAIL


def _customer_trace(part: Part) -> bytes:
    start = xes.trace_start({"concept:name": part.customer.hex()}) if part.is_first else b""
    return b"".join([start, *(_event(entry, {}) for entry in part.entries), xes.TRACE_END if part.is_last else b""])


def _instance_trace(walk: Walk) -> bytes:
    start = b""
    if walk.is_first:
        record = msgspec.structs.asdict(instance_record(walk.instance))
        names = InstanceRecord.__struct_encode_fields__
        start = xes.trace_start({"concept:name": record.pop("id")} | dict(zip(names[1:], record.values(), strict=True)))
    steps = (
        _event(
            step.event, {"touchpoint": step.row.touchpoint, "phase": step.row.phase, "direction": step.row.direction}
        )
        for step in walk.steps
    )
    return b"".join([start, *steps, xes.TRACE_END if walk.is_last else b""])


def _event(entry: Entry, more: xes.Attributes) -> bytes:
    """Without its context; `channel` and such are attributes of their own, and so is each property and trait."""
    first: dict[str, str] = {}
    for type, value in entry.recorded.identifiers:
        first.setdefault(f"identifiers.{type}", value)
    said = {
        "messageId": entry.message_id,
        "kind": entry.kind,
        "source": entry.source,
        "channel": entry.channel,
        "device": entry.device,
        "sequence": entry.recorded.sequence,
    }
    attributes = said | first | xes.members("properties", entry.properties) | xes.members("traits", entry.traits)
    return xes.event(entry.name, to_rfc3339(entry.occurred_at), {**more, **attributes})
