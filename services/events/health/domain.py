"""What is counted of each source, and what that says about its health. Pure.

All of it goes by the UTC day on which an event was received, not by when it happened: an import of old events is
something that a source sends today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from services.events.timeline.domain import Microseconds

ACCEPTED = ""
"""Stands where a rejected event has its code."""
MOST_NAMES = 1_000
"""Of one source. A sender who puts numbers into names makes as many as they like; later ones are not followed."""
LONGEST_NAME = 255
"""Characters. An index of PostgreSQL holds no name of 32 KiB, and a step of the projector must not fail for one."""
RECENT_DAYS = 7
USUAL_DAYS = 3
"""A name that came on fewer different days is not missed."""
_DAY = 24 * 3_600 * 1_000_000


Name: TypeAlias = tuple[str, str]
"""A source, and the name of an event."""


class Counted(NamedTuple):
    """Events that count alike."""

    source: str
    day: int
    code: str
    name: str
    events: int
    last_at: Microseconds


class Tally(NamedTuple):
    """What a row of the counts is about."""

    source: str
    day: int
    code: str


@dataclass(frozen=True, slots=True)
class Amount:
    events: int
    last_at: Microseconds


@dataclass(frozen=True, slots=True)
class Seen:
    """When a name was seen: days since 1970."""

    first: int
    last: int
    days: int
    """Different ones, each later than those before it in the log."""


class Health(NamedTuple):
    last_event_at: Microseconds | None
    accepted: int
    rejected: dict[str, int]
    """By code."""
    new_names: list[str]
    vanished_names: list[str]


def day_of(moment: Microseconds) -> int:
    return moment // _DAY


def grouped(events: Iterable[tuple[str, Microseconds, str, str]]) -> list[Counted]:
    """Events by source, moment of receipt, code and name, in the order of the log: groups too, by their first ones.

    That order is all that matters, because a name that comes again on a day is nothing new.
    """
    groups: dict[tuple[str, int, str, str], list[int]] = {}
    for source, received_at, code, name in events:
        key = source, received_at // _DAY, code, name
        group = groups.get(key)
        if group is None:
            groups[key] = [1, received_at]
            continue
        group[0] += 1
        if received_at > group[1]:
            group[1] = received_at
    return [Counted(*key, *group) for key, group in groups.items()]


def amounts(groups: Iterable[Counted]) -> dict[Tally, Amount]:
    """What is to be added to the counts."""
    added: dict[Tally, Amount] = {}
    for group in groups:
        tally = Tally(group.source, group.day, group.code)
        added[tally] = more(added.get(tally), Amount(group.events, group.last_at))
    return added


def more(held: Amount | None, added: Amount) -> Amount:
    if held is None:
        return added
    return Amount(held.events + added.events, max(held.last_at, added.last_at))


def seen_on(held: Seen | None, day: int) -> Seen:
    """What is known of a name once it came on a day."""
    if held is None:
        return Seen(day, day, 1)
    return Seen(min(held.first, day), max(held.last, day), held.days + (day > held.last))


def follow(names: dict[Name, Seen], room: dict[str, int], groups: Iterable[Counted]) -> set[Name]:
    """Adds events to what is known of names, in the order of the log; which ones that changed.

    `room`: how many more names of a source are followed, of each source that has an event of an unknown one.
    """
    changed: set[Name] = set()
    for group in groups:
        if group.code != ACCEPTED or len(group.name) > LONGEST_NAME:
            continue
        name = group.source, group.name
        before = names.get(name)
        if before is None:
            if room[group.source] <= 0:
                continue
            room[group.source] -= 1
        seen = seen_on(before, group.day)
        if seen != before:
            names[name] = seen
            changed.add(name)
    return changed


def names_that_are_new(names: Mapping[str, Seen], today: int) -> list[str]:
    """First seen within the last seven days, today included. While all of a source is that new, nothing of it is."""
    if not names or min(seen.first for seen in names.values()) > today - RECENT_DAYS:
        return []
    return sorted(name for name, seen in names.items() if seen.first > today - RECENT_DAYS)


def names_that_vanished(names: Mapping[str, Seen], today: int) -> list[str]:
    """Seen on three days or more, but not within the last seven."""
    return sorted(name for name, seen in names.items() if seen.days >= USUAL_DAYS and seen.last <= today - RECENT_DAYS)
