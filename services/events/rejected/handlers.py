"""Sending rejected events through intake again, after the cause was mended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.events.control.domain import Source
from services.events.control.store import ControlStore
from services.events.intake.domain.values import Refusal
from services.events.intake.handlers import message_id_of
from services.events.intake.judging import judge_again
from services.events.intake.position import Place
from services.events.intake.slots import Recorded, Refused, Resubmitted, Slot
from services.events.intake.store import LogStore
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
    """Judges the bytes as they were sent once more, as of the moment they were received and as they came then."""

    def __init__(self, rejected: RejectedQueries, control: ControlStore, log: LogStore, writer: LogWriter) -> None:
        self._rejected = rejected
        self._control = control
        self._log = log
        self._writer = writer

    async def resubmit(self, workspace: str, ids: Sequence[str]) -> Resubmitting:
        """Records what can be accepted now. It leaves the list once it is projected; what is refused again stays.

        An event that named no message id gets one of its place, so that to ask again, also at the same time, changes
        nothing. Raises Unavailable if they cannot be made durable now.
        """
        sources = {source.key: source for source in await self._control.sources(workspace)}
        rows = await self._rejected.by_ids(workspace, ids)
        places: dict[int, list[int]] = defaultdict(list)
        for found in filter(None, rows):
            places[found.seq].append(found.slot)
        sent = await self._log.read_some(workspace, places)
        slots: dict[bool, list[Slot]] = {False: [], True: []}  # history stands in rows of its own: nobody is told of it
        results: list[Result] = []
        for row in rows:
            judged = _judge(row, sent.get((row.seq, row.slot)), sources) if row is not None else _UNKNOWN
            if isinstance(judged, Recorded) and row is not None:
                slots[judged.imported] += [judged, Resubmitted(row.seq, row.slot)]
                results.append(Result(judged.message_id))
            elif isinstance(judged, Result):
                results.append(judged)
        return Resubmitting(await self._record(workspace, slots), results)

    async def _record(self, workspace: str, slots: Mapping[bool, Sequence[Slot]]) -> Place | None:
        places = [
            await self._writer.submit(workspace, some, _size(some), imported=imported)
            for imported, some in slots.items()
            if some
        ]
        return max(places, default=None)


_UNKNOWN = Result(None, "UNKNOWN_REJECTED_EVENT", "No rejected event has this id; it may have been accepted since.")


def _judge(row: RejectedRow, sent: Slot | None, sources: Mapping[str, Source]) -> Recorded | Result:
    # Of duplicates the first one counts, whoever asks; and what the log has as an event does not have to be sent again.
    if row.code == CONFLICTING_DUPLICATE or isinstance(sent, Recorded):
        message_id = message_id_of(sent) if isinstance(sent, Recorded | Refused) else None
        return Result(message_id, row.code, row.message, tuple(msgspec.json.decode(row.path, type=list[str])))
    if not isinstance(sent, Refused):  # erased since
        return _UNKNOWN
    message_id = message_id_of(sent)
    source = sources.get(row.source)
    if source is None or source.paused:
        return Result(message_id, "SOURCE_PAUSED", f"The source {row.source!r} is paused: nothing is taken.")
    try:
        return judge_again(sent, source.default_channel, lambda: f"resubmitted-{row.seq}-{row.slot}")
    except Refusal as refusal:
        return Result(message_id, refusal.code, refusal.message, refusal.path)


def _size(slots: Sequence[Slot]) -> int:
    return sum(
        len(slot.properties) + len(slot.context) + len(slot.traits) for slot in slots if isinstance(slot, Recorded)
    )
