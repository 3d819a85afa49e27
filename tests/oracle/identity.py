"""Who is who: the contract's paragraph on identity as components of a graph, replayed link by link.

An event here is a plain dictionary as in the journey oracle, with two more fields: `identifiers`, a list of
[type, value] as intake leaves them (emails trimmed and lower-cased, numbers as text), and `verified`, whether its
sender is trusted to assert them. What intake rejects, and a conflicting repeat of a message, must not be given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.oracle.journey import place

Json = dict[str, Any]
Identifier = tuple[str, str]

STRENGTH = ("user_id", "customer_id", "crm_id", "email", "anonymous_id")
BLOCKED = frozenset({"", "0", "null", "anonymous", "undefined"})
"""The values the contract names; it leaves the list open."""


@dataclass
class Component:
    """One customer: identifiers, each with whether a verified sender has asserted it."""

    verified: dict[Identifier, bool]
    events: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Refusal:
    """A link that was tried and refused."""

    message_id: str
    stronger: Identifier
    weaker: Identifier
    reason: str  # USER_ID or LIMIT


def customers(events: list[Json], retracted: frozenset[str] = frozenset(), email_limit: int = 50) -> list[Json]:
    """The customers behind the events, in the order of their first event.

    `retracted` names messages whose links are taken back (a split); `email_limit` makes the limit easy to reach.
    """
    return [shown(component) for component in replay(events, retracted, email_limit)[0]]


def replay(
    events: list[Json], retracted: frozenset[str] = frozenset(), email_limit: int = 50
) -> tuple[list[Component], list[Refusal]]:
    """All links tried in history order, then each event given to the customer of its strongest identifier."""
    components: list[Component] = []
    refusals: list[Refusal] = []
    history = sorted({(e["source"], e["messageId"]): e for e in events}.values(), key=place)
    for event in history:
        identifiers = by_strength(event)
        for identifier in identifiers:
            assert_identifier(components, identifier, event["verified"])
        if event["messageId"] in retracted:
            continue
        for weaker in identifiers[1:]:
            reason = link(components, identifiers[0], weaker, event["verified"], email_limit)
            if reason is not None:
                refusals.append(Refusal(event["messageId"], identifiers[0], weaker, reason))
    for event in history:
        component_of(components, by_strength(event)[0]).events.append(event)
    ordered = sorted((c for c in components if c.events), key=lambda c: place(c.events[0]))
    return ordered, refusals


def by_strength(event: Json) -> list[Identifier]:
    """The identifiers of an event, the strongest first, without blocked values and repeats."""

    def strength(identifier: Identifier) -> tuple[int, str, str]:
        kind = identifier[0]
        return (STRENGTH.index(kind) if kind in STRENGTH else len(STRENGTH), *identifier)

    return sorted({(kind, value) for kind, value in event["identifiers"] if value not in BLOCKED}, key=strength)


def assert_identifier(components: list[Component], identifier: Identifier, verified: bool) -> None:
    """The sender says this identifier exists; one verified assertion makes it verified from here on."""
    for component in components:
        if identifier in component.verified:
            component.verified[identifier] |= verified
            return
    components.append(Component({identifier: verified}))


def component_of(components: list[Component], identifier: Identifier) -> Component:
    return next(component for component in components if identifier in component.verified)


def link(
    components: list[Component], stronger: Identifier, weaker: Identifier, verified: bool, email_limit: int
) -> str | None:
    """Join the two customers, or say why not."""
    one, other = component_of(components, stronger), component_of(components, weaker)
    if one is other:
        return None
    is_alias_of_users = stronger[0] == weaker[0] == "user_id" and verified
    if not is_alias_of_users and holds_user_id(one, verified) and holds_user_id(other, verified):
        return "USER_ID"
    joined = one.verified | other.verified
    for kind in {kind for kind, _ in joined}:
        limit = email_limit if kind == "email" else 1_000
        if sum(1 for identifier in joined if identifier[0] == kind) > limit:
            return "LIMIT"
    one.verified = joined
    components.remove(other)
    return None


def holds_user_id(component: Component, verified: bool) -> bool:
    """Does this side hold a user id of equal or higher trust than the link's?"""
    return any(kind == "user_id" and trust >= verified for (kind, _), trust in component.verified.items())


def shown(component: Component) -> Json:
    """A customer as others see it; of each trait the latest `identify` in history order."""
    traits: Json = {}
    for event in component.events:
        if event["kind"] == "identify":
            traits |= event["context"].get("traits", {}) | event["traits"]
    return {
        "identifiers": sorted([kind, value] for kind, value in component.verified),
        "events": [event["messageId"] for event in component.events],
        "traits": traits,
    }
