"""What happens to two dozen people, and in which order it is heard of: everything follows from one number.

Times are multiples of three hours, and mostly of half a day as every patience is: ties and exact deadlines are common.
People share devices and addresses, so that links are refused, and an earlier one that is heard of later undoes others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.oracle.identity import by_strength
from tests.support.histories import DAY, EPOCH, plain_event

Json = dict[str, Any]
Identifier = tuple[str, str]

PEOPLE = 26
DAYS = 150
"""How long the stories last."""
_EVENTS_OF_MOST = 11
_NAMES = (
    ["View"] * 8
    + ["Cart", "Ask", "Note", "Other", "Other"] * 3
    + ["Buy", "Pay", "Answer", "Pause", "Review"] * 2
    + ["Cancel", "Return", "Resume", "Complain", "Deliver", "Settle"]
)
_HARMLESS = ("Alias", "Identify", "Other")
"""Behind them everything soon stands as before: they are late more often."""


@dataclass(frozen=True)
class World:
    heard: list[Json]
    """Events in the order in which they are heard of, repeats included."""
    stragglers: list[Json]
    """Those of which nothing is heard for very long: one by one, they come into a past that seemed to be known."""


def world(seed: int, hot: int) -> World:
    """`hot` of the events are about one person."""
    random = Random(seed)
    others: list[Json] = []
    stragglers: list[Json] = []
    for person in range(PEOPLE):
        count, late = {0: (hot, 0.15), 1: (hot // 6, 0.1)}.get(person, (_EVENTS_OF_MOST, 0.03))
        for number in range(count):
            event = _event(random, person, number)
            is_late = random.random() < (3 * late if event["name"] in _HARMLESS else late)
            (stragglers if is_late else others).append(event)
    return World(
        _with_repeats(random, _in_order_of_arrival(random, others)), random.sample(stragglers, len(stragglers))
    )


def _event(random: Random, person: int, number: int) -> Json:
    step = DAY // 8 if random.random() < 0.3 else DAY // 2
    kind = random.choices(["track", "identify", "alias", "page", "group"], [75, 17, 3, 4, 1])[0]
    identifiers = _identifiers(random, person)
    properties: Json = {"order": random.choice([f"o{number // 9}", f"o{number // 9}", number // 5, None])}
    if random.random() < 0.3:
        properties["amount"] = random.randint(1, 4)
    event = plain_event(
        f"m{person}.{number}",
        kind.title() if kind in ("identify", "alias") else random.choice(_NAMES),
        EPOCH + random.randrange(DAYS * DAY // step) * step,
        source=random.choice(["app", "shop"]),
        kind=kind,
        channel=random.choice([None, "web", "web", "shop"]),
        device=random.choice([None, "phone", "desktop"]),
        sequence=random.choice([None, None, None, 0, 1, 2]),
        properties=properties,
        context={"variant": random.choice("ab")} if random.random() < 0.3 else {},
        traits={random.choice("xyz"): random.randrange(9)} if kind == "identify" else {},
        identifiers=identifiers,
        verified=random.random() < 0.6,
    )
    if random.random() < 0.01:  # message ids are unique within a source only
        event |= {"messageId": f"m{person}", "source": f"s{number}"}
    return event


def _identifiers(random: Random, person: int) -> list[Identifier]:
    user, email = ("user_id", f"u{person}"), ("email", f"e{person}")
    device = ("anonymous_id", f"a{person}.{random.randrange(3)}")
    neighbour = person ^ 1
    chosen = random.choices(
        [
            [device],
            [user],
            [user, device],
            [email],
            [("crm_id", f"c{person}"), email],
            [("loyalty", f"l{person}"), user],
            [user, ("anonymous_id", f"a{neighbour}.{random.randrange(3)}")],
            [email, ("crm_id", f"c{neighbour}")],
            [user, ("user_id", f"u{neighbour}")],
        ],
        [15, 75, 3, 2, 1, 1, 1, 1, 0.1] if person == 0 else [30, 30, 12, 8, 5, 6, 3, 2, 0.4],
    )[0]
    return by_strength({"identifiers": chosen})


def _in_order_of_arrival(random: Random, events: list[Json]) -> list[Json]:
    """Mostly somewhat late, what links identifiers later; or in any order at all; or the last first."""
    way = random.choice(["late", "late", "late", "any", "backwards"])
    if way == "any":
        return random.sample(events, len(events))
    if way == "backwards":
        return sorted(events, key=lambda event: -event["occurredAt"])
    return sorted(events, key=lambda event: event["occurredAt"] + _delay(random, event))


def _delay(random: Random, event: Json) -> int:
    links = len(event["identifiers"]) > 1
    longest = random.choices([0, 2, DAYS], [40, 20, 40] if links else [75, 20, 5])[0]
    return random.randrange(longest * DAY + 1)


def _with_repeats(random: Random, events: list[Json]) -> list[Json]:
    """Some are heard again at any time, some of them with other content."""
    return [event for _place, event in sorted(_places(random, events), key=lambda pair: pair[0])]


def _places(random: Random, events: list[Json]) -> Iterator[tuple[float, Json]]:
    for place, event in enumerate(events):
        yield place, event
        if random.random() < 0.04:
            other = {"properties": event["properties"] | {"amount": 7}} if random.random() < 0.4 else {}
            yield random.uniform(-1, len(events)), event | other
