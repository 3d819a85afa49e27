"""Group commit: while one commit is in flight, what arrives next gathers for the following one. No timer."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.chassis import request_ids
from infra.chassis.clock import Clock
from infra.chassis.errors import Unavailable
from services.events.intake.metrics import COMMITS
from services.events.intake.position import Place
from services.events.intake.slots import Slot
from services.events.intake.store import Group

_log = logging.getLogger(__name__)
_GROUP_SLOTS = 5_000
_GROUP_BYTES = 8 << 20
_WAITING_BYTES = 64 << 20
"""More than this is not kept waiting: the client hears 503 and keeps its events itself."""


class Log(Protocol):
    """What the writer needs of the log store."""

    async def append(self, groups: Sequence[Group], logged_at: int) -> list[Place]: ...


@dataclass(slots=True)
class _Submission:
    workspace: str
    slots: Sequence[Slot]
    size: int
    imported: bool
    place: asyncio.Future[Place]


class LogWriter:
    """The one writer of the log in this process. A commit makes one row for each workspace that has something, and one
    more for what is imported there: the projector tells nobody what follows from it.
    """

    def __init__(
        self, log: Log, clock: Clock, on_commit: Callable[[], None] = lambda: None, waiting_bytes: int = _WAITING_BYTES
    ) -> None:
        self._log = log
        self._clock = clock
        self._on_commit = on_commit
        self._most_waiting = waiting_bytes
        self._waiting: deque[_Submission] = deque()
        self._waiting_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, workspace: str, slots: Sequence[Slot], size: int, *, imported: bool = False) -> Place:
        """The place of the row that holds the slots, once it is on disk. `size` is about how many bytes they take.

        Raises Unavailable if they may not be on disk. Sending them again is then right: events that carry a message id
        count once in any case.
        """
        if self._closed or (self._waiting and self._waiting_bytes + size > self._most_waiting):
            raise Unavailable("More is being sent than the log can take now; try again.")
        submission = _Submission(workspace, slots, size, imported, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._waiting_bytes += size
        if self._flushing is None:
            context = request_ids.outliving()
            self._flushing = asyncio.create_task(self._flush(), name="log writer", context=context)
        return await submission.place

    async def close(self) -> None:
        """Takes nothing more, and returns when everything taken is on disk or refused."""
        self._closed = True
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._next_group())
        finally:
            self._flushing = None

    def _next_group(self) -> list[_Submission]:
        group: list[_Submission] = []
        slots = size = 0
        while self._waiting:
            first = self._waiting[0]
            slots += len(first.slots)
            size += first.size
            if group and (slots > _GROUP_SLOTS or size > _GROUP_BYTES):
                break
            group.append(self._waiting.popleft())
            self._waiting_bytes -= first.size
        return group

    async def _commit(self, group: list[_Submission]) -> None:
        rows: dict[tuple[str, bool], list[Slot]] = {}
        for submission in group:
            rows.setdefault((submission.workspace, submission.imported), []).extend(submission.slots)
        try:
            groups = [Group(workspace, slots) for (workspace, _imported), slots in rows.items()]
            with COMMITS.time():
                places = await self._log.append(groups, self._clock())
        except Exception as error:
            if not isinstance(error, Unavailable):
                _log.exception("a commit of the log failed unexpectedly")
            for submission in group:
                if not submission.place.done():  # done: its client went away
                    submission.place.set_exception(Unavailable("The log cannot be written now; try again."))
            return
        place_of = dict(zip(rows, places, strict=True))
        for submission in group:
            if not submission.place.done():
                submission.place.set_result(place_of[submission.workspace, submission.imported])
        self._on_commit()
