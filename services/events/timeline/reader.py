"""Entries by their places in the log, through a cache: neighbours in a timeline are often neighbours in the log."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from services.events.intake.slots import Recorded, Slot
from services.events.intake.store import LogStore
from services.events.timeline.entry import Entry

_CACHED_SLOTS = 40_000  # about 50 MB of decoded events

_Row = list[Entry | None]
"""By slot."""


class EntryReader:
    """Reads entries through a cache of recently used rows. Not shared between threads.

    Entries stay the same objects, with what was read of them lazily: most events are looked at several times.
    """

    def __init__(self, log: LogStore, cached_slots: int = _CACHED_SLOTS) -> None:
        self._log = log
        self._rows: OrderedDict[tuple[str, int], _Row] = OrderedDict()
        self._held = 0
        self._most = cached_slots

    async def read(self, workspace: str, places: Sequence[tuple[int, int]]) -> list[Entry | None]:
        """For each (seq, slot) the entry, or None where there is none (erased, refused, another workspace)."""
        rows: dict[int, _Row] = {}
        missing: set[int] = set()
        for seq in {seq for seq, _slot in places}:
            cached = self._rows.get((workspace, seq))
            if cached is None:
                missing.add(seq)
            else:
                self._rows.move_to_end((workspace, seq))
                rows[seq] = cached
        if missing:
            loaded = await self._log.read_rows(workspace, missing)
            rows |= {seq: self.keep(workspace, seq, slots) for seq, slots in loaded.items()}
        return [row[slot] if 0 <= slot < len(row := rows.get(seq, [])) else None for seq, slot in places]

    def keep(self, workspace: str, seq: int, slots: list[Slot]) -> _Row:
        """The entries of a row, which goes into the cache: by slot, None where there is no event."""
        row = self._rows.get((workspace, seq))
        if row is None:
            row = [Entry.of(seq, slot, held) if isinstance(held, Recorded) else None for slot, held in enumerate(slots)]
            self._rows[workspace, seq] = row
            self._held += len(row)
            while self._held > self._most and len(self._rows) > 1:
                _, dropped = self._rows.popitem(last=False)
                self._held -= len(dropped)
        return row


def parse_event_id(text: str) -> tuple[int, int] | None:
    """The place in an event id as `Entry.id` writes it; None when it is no such id."""
    seq, dash, slot = text.partition("-")
    if not (dash and seq.isdecimal() and slot.isdecimal() and len(text) < 32):
        return None
    return int(seq), int(slot)
