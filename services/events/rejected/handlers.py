"""Sending rejected events through intake again, after the cause was mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from services.events.control.domain import Source, Trust
from services.events.control.store import ControlStore
from services.events.intake.domain.event import Receipt
from services.events.intake.domain.values import Refusal
from services.events.intake.handlers import message_id_of
from services.events.intake.inputs import read_input
from services.events.intake.position import Place
from services.events.intake.segment import read_call
from services.events.intake.slots import Recorded, Refused, Resubmitted, Slot
from services.events.intake.writer import LogWriter
from services.events.rejected.queries import RejectedQueries
from services.events.timeline.store import CONFLICTING_DUPLICATE, RejectedRow


class Result(NamedTuple):
    """What became of one of them; without a code it is accepted."""

    message_id: str | None
    code: str | None = None
    message: str | None = None
    path: tuple[str, ...] = ()


class Resubmitting(NamedTuple):
    place: Place | None
    """None if nothing was accepted."""
    results: list[Result]
    """One for each id, in their order."""


class Resubmission:
    """Judges the bytes as they were sent once more, as of the moment they were received."""

    def __init__(self, rejected: RejectedQueries, control: ControlStore, writer: LogWriter) -> None:
        self._rejected = rejected
        self._control = control
        self._writer = writer

    async def resubmit(self, workspace: str, ids: Sequence[str]) -> Resubmitting:
        """Records what can be accepted now. It leaves the list once it is projected; what is refused again stays.

        An event that named no message id gets one of its place, so that to ask again, also at the same time, changes
        nothing. Raises Unavailable if they cannot be made durable now.
        """
        sources = {source.key: source for source in await self._control.sources(workspace)}
        slots: list[Slot] = []
        results: list[Result] = []
        size = 0
        for row in await self._rejected.by_ids(workspace, ids):
            judged = _judge(row, sources.get(row.source)) if row is not None else _UNKNOWN
            if isinstance(judged, Recorded) and row is not None:
                slots += [judged, Resubmitted(row.seq, row.slot)]
                size += len(row.body)
                results.append(Result(judged.message_id))
            elif isinstance(judged, Result):
                results.append(judged)
        place = await self._writer.submit(workspace, slots, size) if slots else None
        return Resubmitting(place, results)


_UNKNOWN = Result(None, "UNKNOWN_REJECTED_EVENT", "No rejected event has this id; it may have been accepted since.")


def _judge(row: RejectedRow, source: Source | None) -> Recorded | Result:
    message_id = message_id_of(Refused(row.source, row.received_at, row.code, row.message, (), row.body))
    if row.code == CONFLICTING_DUPLICATE:  # the first one counts, whoever asks
        return Result(message_id, row.code, row.message, tuple(msgspec.json.decode(row.path, type=list[str])))
    if source is None or source.paused:
        return Result(message_id, "SOURCE_PAUSED", f"The source {row.source!r} is paused: nothing is taken.")
    receipt = Receipt(
        source=source.key,
        verified=source.trust is Trust.VERIFIED,
        default_channel=source.default_channel,
        received_at=row.received_at,
        new_id=lambda: f"resubmitted-{row.seq}-{row.slot}",
    )
    read = read_input if _is_input(row.body) else read_call
    try:
        return read(row.body, receipt, row.received_at)
    except Refusal as refusal:
        return Result(message_id, refusal.code, refusal.message, tuple(map(str, refusal.path)))


def _is_input(body: bytes) -> bool:
    """Whether it came as an `EventInput`. Only these list identifiers; a call of Segment's names them one by one."""
    try:
        return "identifiers" in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
