from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.areas.events.mutations import EventResult, RecordEventsPayload
from gateway.areas.payloads import UserError, refusals
from gateway.areas.sources.inputs import SourceInput
from gateway.areas.sources.types import Source, to_source
from gateway.context import Info
from gateway.permissions import WritesSources, resolved
from gateway.relay import parse_global_id
from gateway.scalars import DateTime, Position
from gateway.wire import to_wire
from infra.chassis.errors import Problem


@strawberry.type(description="`key`: the first key of a new source, told this once.")
class SourcePayload:
    source: Source | None
    key: str | None
    errors: list[UserError]


@strawberry.type(description="`key` is told this once; `graceUntil`: when the one before it ends.")
class KeyPayload:
    key: str | None
    grace_until: DateTime | None
    errors: list[UserError]


@strawberry.type
class SourceMutations:
    @resolved(
        WritesSources,
        description="Makes a source, or replaces all that the one of this key is. The first key of a VERIFIED source "
        "is secret, that of another one public; both can but record.",
    )
    async def save_source(
        self, info: Info, source_input: Annotated[SourceInput, strawberry.argument(name="input")]
    ) -> SourcePayload:
        try:
            saved = await info.context.events.save_source(to_wire(source_input))
        except Problem as problem:
            return SourcePayload(source=None, key=None, errors=refusals(problem))
        return SourcePayload(source=to_source(saved.source), key=saved.key, errors=[])

    @resolved(
        WritesSources,
        description="A new key like the active one, which lives on for 24 hours; refused while two are active.",
    )
    async def rotate_key(
        self, info: Info, source_key: Annotated[str, strawberry.argument(name="source")]
    ) -> KeyPayload:
        try:
            rotated = await info.context.events.rotate_key(source_key, info.context.principal.scopes)
        except Problem as problem:
            return KeyPayload(key=None, grace_until=None, errors=refusals(problem))
        until = rotated.grace_until
        return KeyPayload(key=rotated.key, grace_until=None if until is None else DateTime(until), errors=[])

    @resolved(WritesSources, description="Ends a key, and customer tokens that it minted, within five seconds.")
    async def revoke_key(self, info: Info, id: strawberry.ID) -> KeyPayload:
        try:
            await info.context.events.revoke_key(id)
        except Problem as problem:
            return KeyPayload(key=None, grace_until=None, errors=refusals(problem))
        return KeyPayload(key=None, grace_until=None, errors=[])

    @resolved(
        WritesSources,
        description="Sends rejected events through intake again, as of when they were received; a result for each id. "
        "What is accepted leaves the list once it is projected.",
    )
    async def resubmit_rejected_events(self, info: Info, ids: list[strawberry.ID]) -> RecordEventsPayload:
        try:
            keys = [_rejected_key(id) for id in ids]
            done = await info.context.events.resubmit(keys)
        except Problem as problem:
            return RecordEventsPayload(accepted=0, rejected=0, results=[], position=None, errors=refusals(problem))
        await info.context.record(done.position, wait=False)
        return RecordEventsPayload(
            accepted=done.accepted,
            rejected=done.rejected,
            results=[
                EventResult(message_id=item.message_id or "", status=item.status, code=item.code, message=item.message)
                for item in done.results
            ],
            position=None if done.position is None else Position(done.position),
            errors=[],
        )


def _rejected_key(id: str) -> str:
    """Another kind of id names no rejected event, and is answered as one that nothing has."""
    kind, key = parse_global_id(id)
    return key if kind == "RejectedEvent" else ""
