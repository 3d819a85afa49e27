"""Entries by their places in the log, through a cache: neighbours in a timeline are often neighbours in the log."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from services.events.intake.slots import Recorded, Slot
from services.events.intake.store import LogStore
from services.events.timeline.entry import Entry

_CACHED_SLOTS = 40_000  # about 30 MB of decoded events


class EntryReader:
    """Reads entries through a cache of recently used rows. Not shared between threads."""

    def __init__(self, log: LogStore, cached_slots: int = _CACHED_SLOTS) -> None:
        self._log = log
        self._rows: OrderedDict[tuple[str, int], list[Slot]] = OrderedDict()
        self._held = 0
        self._most = cached_slots

    async def read(self, workspace: str, places: Sequence[tuple[int, int]]) -> list[Entry | None]:
        """For each (seq, slot) the entry, or None where there is none (erased, refused, another workspace)."""
        rows: dict[int, list[Slot]] = {}
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
            for seq, slots in loaded.items():
                self.keep(workspace, seq, slots)
            rows |= loaded
        return [_entry(seq, slot, rows.get(seq, [])) for seq, slot in places]

    def keep(self, workspace: str, seq: int, slots: list[Slot]) -> None:
        """Puts a row into the cache that was read for another reason."""
        if (workspace, seq) in self._rows:
            return
        self._rows[workspace, seq] = slots
        self._held += len(slots)
        while self._held > self._most and len(self._rows) > 1:
            _, dropped = self._rows.popitem(last=False)
            self._held -= len(dropped)


def parse_event_id(text: str) -> tuple[int, int] | None:
    """The place in an event id as `Entry.id` writes it; None when it is no such id."""
    seq, dash, slot = text.partition("-")
    if not (dash and seq.isdecimal() and slot.isdecimal() and len(text) < 32):
        return None
    return int(seq), int(slot)


def _entry(seq: int, slot: int, slots: list[Slot]) -> Entry | None:
    if not 0 <= slot < len(slots):
        return None
    held = slots[slot]
    return Entry(seq, slot, held) if isinstance(held, Recorded) else None
