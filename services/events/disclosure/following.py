"""What each internal call answers that asks what is new of what may be told to a customer.

Nobody is waited for here and nothing is kept: whoever wants to go on asks again when something may be new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec

from infra.chassis.clock import Clock
from services.events.changes.schemas import change_document
from services.events.disclosure.difference import changes, fresh, is_silent, new_events, successor
from services.events.disclosure.domain import Story
from services.events.disclosure.position import Position, State, can_be_told, unknown
from services.events.disclosure.schemas import (
    ToldChangeDocument,
    ToldEventDocument,
    ToldFeedBody,
    ToldPage,
    told_event_document,
)
from services.events.disclosure.stories import Moment, Stories
from services.events.intake.position import Place, is_place
from services.events.intake.store import LogStore
from services.events.live.past.folding import Past
from services.events.live.schemas import instance_document
from services.events.models.queries import Models
from services.events.timeline.domain import Microseconds

_CHANGES, _EVENTS = b"C", b"E"

T = TypeVar("T")


class _Span(NamedTuple):
    """The stretch whose items are asked for, and what may be told at both its ends."""

    since: State
    until: State
    old: Story
    new: Story
    places: Mapping[int, Place]
    told: int
    """How many of its items were told before."""
    is_last: bool
    """Whether it ends at the present."""


class _Shown(NamedTuple):
    """Which items of a stretch a page shows, and the position behind each."""

    start: int
    positions: list[str]
    next: str
    more: bool


@dataclass(frozen=True, slots=True)
class Following:
    stories: Stories
    models: Models
    log: LogStore
    clock: Clock

    async def changes(self, workspace: str, body: ToldFeedBody) -> ToldPage[ToldChangeDocument]:
        """The next changes of the customer's instances behind a position, or (None) the present position."""
        span = await self._span(workspace, body, _CHANGES)
        old, new = await self._pasts(workspace, span)
        found = changes(old, new, fresh(span.old, span.new))
        shown = _shown(span, len(found), body.first, _CHANGES)
        journeys = await self.models.journeys(workspace)
        items = []
        for change, position in zip(found[shown.start :], shown.positions, strict=False):
            row = successor(change.instance, old, new)
            instance = None if row is None else instance_document(row, journeys)
            document = msgspec.structs.asdict(change_document(change, position))
            items.append(ToldChangeDocument(**document, instance=instance))
        return _page(span, items, shown, _due_in(new, span.until.clock))

    async def events(self, workspace: str, body: ToldFeedBody) -> ToldPage[ToldEventDocument]:
        """The next events of the customer behind a position, or (None) the present position."""
        span = await self._span(workspace, body, _EVENTS)
        found = new_events(span.old, span.new, span.places)
        shown = _shown(span, len(found), body.first, _EVENTS)
        entries = found[shown.start : shown.start + len(shown.positions)]
        takers = (await self.stories.past(workspace, span.new)).takers(entries) if entries else {}
        items = [
            ToldEventDocument(
                position=position,
                id=entry.id,
                customer_id=span.new.customer.hex(),
                journeys=sorted({row.journey for row in takers[entry.id]}),
                event=told_event_document(entry, span.new),
            )
            for entry, position in zip(entries, shown.positions, strict=True)
        ]
        return _page(span, items, shown, None)

    async def _span(self, workspace: str, body: ToldFeedBody, tag: bytes) -> _Span:
        position = None if body.after is None else await self._position(workspace, body.after, tag)
        story, read_to = await self.stories.of(workspace, body.identifier)
        now = State(read_to, self.clock())
        if position is None:
            return _Span(now, now, story, story, {}, 0, is_last=True)
        rows = {entry.seq for entry in story.entries} | {link.seq for link in story.links.values()}
        places = await self.log.places(workspace, rows)
        since, within = position
        old = story.until(since.place, places)
        if within is not None:
            new = story.until(within.until.place, places)
            return _Span(since, within.until, old, new, places, within.told, is_last=False)
        # Never back: a position of a write may be ahead of what has been read.
        until = State(max(now.place, since.place), max(now.clock, since.clock))
        return _Span(since, until, old, story, places, 0, is_last=True)

    async def _position(self, workspace: str, after: str, tag: bytes) -> Position:
        """That of a write stands behind it for events, and before it for changes: they follow from what was written."""
        if not is_place(after):
            return Position.parse(after, tag)
        place = Place.parse(after)
        if not can_be_told(place):
            raise unknown()
        logged_at = await self.log.logged_at(workspace, place)
        before = Place(place.xid, max(place.seq - 1, 0))
        return Position(State(before if tag == _CHANGES else place, self.clock() if logged_at is None else logged_at))

    async def _pasts(self, workspace: str, span: _Span) -> tuple[Past, Past]:
        """What may be told meant at both ends of the stretch."""
        [new] = await self.stories.pasts(workspace, [Moment(span.new, span.until.clock)])
        if is_silent(span.old, span.new, new, span.since.clock):
            return new, new
        [old] = await self.stories.pasts(workspace, [Moment(span.old, span.since.clock)])
        return old, new


def _shown(span: _Span, items: int, first: int, tag: bytes) -> _Shown:
    end = min(span.told + first, items)
    behind = [Position.told_to(span.since, span.until, told, items) for told in range(span.told + 1, end + 1)]
    last = behind[-1] if behind else Position.told_to(span.since, span.until, min(span.told, items), items)
    more = end < items or not span.is_last
    return _Shown(span.told, [position.token(tag) for position in behind], last.token(tag), more)


def _page(span: _Span, items: Sequence[T], shown: _Shown, due_in: float | None) -> ToldPage[T]:
    profiles = {span.new.known, *span.new.members}
    return ToldPage(items, shown.next, shown.more, sorted(profile.hex() for profile in profiles), due_in)


def _due_in(past: Past, clock: Microseconds) -> float | None:
    due = [one.row.due_at for one in past.instances.values() if one.row.due_at is not None]
    return max(min(due) - clock, 0) / 1_000_000 if due else None
