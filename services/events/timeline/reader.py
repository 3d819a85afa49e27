"""Entries by their places in the log, through a cache: neighbours in a timeline are often neighbours in the log."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence

from services.events.intake.slots import Recorded, Slot, size_of
from services.events.intake.store import LogStore
from services.events.timeline.entry import Entry

_CACHED_BYTES = 50_000_000
"""About 40,000 events, as they usually are."""
_ENTRY_BYTES = 1_000
"""What an event takes besides what its sender says."""

Spot = tuple[int, int]
"""Where in the log an entry is: the `seq` of its row, and its slot."""
_Row = list[Entry | None]
"""By slot."""


class EntryReader:
    """Reads entries through a cache of recently used rows. Not shared between threads.

    Entries stay the same objects, with what was read of them lazily: most events are looked at several times.
    """

    def __init__(self, log: LogStore, cached_bytes: int = _CACHED_BYTES) -> None:
        self._log = log
        self._rows: OrderedDict[tuple[str, int], _Row] = OrderedDict()
        self._held = 0
        self._most = cached_bytes

    async def read(self, workspace: str, places: Sequence[Spot]) -> list[Entry | None]:
        """For each place the entry, or None where there is none (erased, refused, another workspace)."""
        found: dict[Spot, Entry] = {}
        await self.visit(workspace, places, found.__setitem__)
        return [found.get(place) for place in places]

    async def visit(self, workspace: str, places: Iterable[Spot], visit: Callable[[Spot, Entry], object]) -> None:
        """Shows the entries at these places, in any order. Of rows for which the cache has no room nothing is held."""
        missing: defaultdict[int, list[int]] = defaultdict(list)
        for place in places:
            seq, slot = place
            row = self._rows.get((workspace, seq))
            if row is None:
                missing[seq].append(slot)
                continue
            self._rows.move_to_end((workspace, seq))
            if (entry := _at(row, slot)) is not None:
                visit(place, entry)

        def show(seq: int, slots: list[Slot]) -> None:
            row = self.keep(workspace, seq, slots)
            for slot in missing[seq]:
                if (entry := _at(row, slot)) is not None:
                    visit((seq, slot), entry)

        if missing:
            await self._log.visit_rows(workspace, missing, show)

    def keep(self, workspace: str, seq: int, slots: list[Slot]) -> _Row:
        """The entries of a row, which goes into the cache: by slot, None where there is no event."""
        row = self._rows.get((workspace, seq))
        if row is None:
            row = [Entry.of(seq, slot, held) if isinstance(held, Recorded) else None for slot, held in enumerate(slots)]
            self._rows[workspace, seq] = row
            self._held += _size(row)
            while self._held > self._most and len(self._rows) > 1:
                _, dropped = self._rows.popitem(last=False)
                self._held -= _size(dropped)
        return row


def _at(row: _Row, slot: int) -> Entry | None:
    return row[slot] if 0 <= slot < len(row) else None


def _size(row: _Row) -> int:
    """About how many bytes it takes."""
    return sum(_ENTRY_BYTES + size_of(entry.recorded) for entry in row if entry is not None)


def parse_event_id(text: str) -> tuple[int, int] | None:
    """The place in an event id as `Entry.id` writes it; None when it is no such id."""
    seq, dash, slot = text.partition("-")
    if not (dash and seq.isdecimal() and slot.isdecimal() and len(text) < 32):
        return None
    return int(seq), int(slot)
