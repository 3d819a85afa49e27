"""Who is who: identifiers, the links between them, and the customers that follow.

Every identifier is the seed of a *profile* whose id never changes. Links are drawn from events; a *customer* is a
connected component of taken links and bears the id of its earliest profile. Everything here is a function of the set
of assertions, not of the order in which they arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

ProfileId = bytes
Identifier = tuple[str, str]
"""(type, value)"""

CUSTOMER_ID, VISITOR = "customer_id", "anonymous_id"
STRENGTH = {"user_id": 0, CUSTOMER_ID: 1, "crm_id": 2, "email": 3, VISITOR: 4}
_WEAKEST = 5
_LIMITS = {"email": 50}
_LIMIT = 1_000
MOST_IN_CLUSTER = 5_000
"""Refused links connect too, since they are tried again in history order. A shared screen would connect everybody who
ever logged in there, and each further login cost more than the one before."""

DIFFERENT_USERS = "DIFFERENT_USERS"
LIMIT = "LIMIT"
OVERFULL = "OVERFULL"
NO_CLUSTER: ProfileId = b""
"""Of links that were refused because a cluster is full: nothing is resolved with them."""


def profile_id(secret: bytes, type: str, value: str) -> ProfileId:
    """The id of the profile that an identifier seeds. Keyed by the workspace's secret: it does not reveal the value."""
    return blake2b(f"{type}\x00{value}".encode(), digest_size=16, key=secret).digest()


def strength(identifier: Identifier) -> tuple[int, str, str]:
    """Sorts identifiers from the strongest to the weakest."""
    return (STRENGTH.get(identifier[0], _WEAKEST), *identifier)


@dataclass(slots=True)
class Member:
    """An identifier as a workspace knows it. Keys are history keys (timeline.domain.history_key)."""

    type: str
    value: str
    first_key: bytes
    """The first event that names it."""
    verified_key: bytes | None
    """The first event of a trusted sender that names it; None while it is only claimed."""
    cluster: ProfileId
    """Shared by all that are linked, refused links included: what must be resolved together."""
    customer: ProfileId

    @property
    def is_user(self) -> bool:
        return self.type == "user_id"

    def verified_by(self, key: bytes) -> bool:
        return self.verified_key is not None and self.verified_key <= key


class Pair(NamedTuple):
    """What a link asserts, and with which trust. Only the first event that says so matters (see `resolve`)."""

    strong: ProfileId
    weak: ProfileId
    verified: bool


@dataclass(slots=True)
class Link:
    key: bytes
    seq: int
    slot: int
    refusal: str | None = None


class Assertion(NamedTuple):
    """A link with what became of it, and the first event that says so: an entry of the ledger."""

    pair: Pair
    link: Link

    @property
    def id(self) -> str:
        """Permanent: what was asserted, whichever event turns out to be the first to say so."""
        return f"{self.pair.strong.hex()}{self.pair.weak.hex()}{'v' if self.pair.verified else 'c'}"

    @property
    def event(self) -> str:
        """The id of the event."""
        return f"{self.link.seq}-{self.link.slot}"

    @property
    def reason(self) -> str:
        """Why it was taken or refused, in words."""
        return _REASONS[self.link.refusal, self.pair.verified]


_BY_TRUSTED_LINK_ALONE = (
    "Both already belonged to different verified user ids, which become one customer only where a trusted sender links "
    "the user ids themselves."
)
_TOO_MANY = (
    f"Together they would have more identifiers of one type than one customer may have: {_LIMITS['email']} of type "
    f"email, {_LIMIT:,} of any other."
)
_TOO_FULL = f"More than {MOST_IN_CLUSTER:,} identifiers would hang together here, too many to tell whose each is."
_REASONS = {
    (None, True): "A trusted sender says that both are of one customer, and nothing before it spoke against that.",
    (None, False): "An event names both, and nothing before it spoke against one customer.",
    (DIFFERENT_USERS, True): _BY_TRUSTED_LINK_ALONE,
    (DIFFERENT_USERS, False): "Both already belonged to different user ids, which a mere claim does not join.",
    (LIMIT, True): _TOO_MANY,
    (LIMIT, False): _TOO_MANY,
    (OVERFULL, True): _TOO_FULL,
    (OVERFULL, False): _TOO_FULL,
}


class Resolution(NamedTuple):
    customers: dict[ProfileId, ProfileId]
    """For each profile the profile that survives in its component."""
    refusals: dict[Pair, str | None]
    """For each pair why its link was refused; None where it was taken."""


@dataclass(slots=True)
class _Component:
    profiles: list[ProfileId]
    users: list[Member]
    types: Counter[str] = field(default_factory=Counter)


def resolve(members: Mapping[ProfileId, Member], links: Mapping[Pair, Link]) -> Resolution:
    """The customers among `members`, when their links are tried one by one in history order.

    Components and trust only grow along a history, so a link that was refused once is refused ever after, and one that
    was taken has nothing left to do: of equal assertions the earliest alone decides.
    """
    components = {
        profile: _Component([profile], [member] if member.is_user else [], Counter([member.type]))
        for profile, member in members.items()
    }
    refusals: dict[Pair, str | None] = {}

    for pair, link in in_order(members, links):
        one, other = components[pair.strong], components[pair.weak]
        if one is other:
            refusals[pair] = None
            continue
        between_users = members[pair.strong].is_user and members[pair.weak].is_user
        refusals[pair] = refusal = _refusal(one, other, pair.verified, link.key, between_users)
        if refusal is None:
            _merge(components, one, other)
    return Resolution(_survivors(members, components), refusals)


def in_order(members: Mapping[ProfileId, Member], links: Mapping[Pair, Link]) -> list[Assertion]:
    """Links in the order of history; those of one event begin with the strongest identifier."""

    def place(assertion: Assertion) -> tuple[bytes, tuple[int, str, str]]:
        weak = members[assertion.pair.weak]
        return assertion.link.key, strength((weak.type, weak.value))

    return sorted((Assertion(pair, link) for pair, link in links.items()), key=place)


def _refusal(one: _Component, other: _Component, verified: bool, key: bytes, between_users: bool) -> str | None:
    """Why two customers must not become one; None if they may."""

    def held(component: _Component) -> bool:
        """Whether it already holds a user id of at least the link's trust."""
        return any(not verified or user.verified_by(key) for user in component.users)

    if held(one) and held(other) and not (verified and between_users):
        return DIFFERENT_USERS
    if any(one.types[type] + count > _LIMITS.get(type, _LIMIT) for type, count in other.types.items()):
        return LIMIT
    return None


def _merge(components: dict[ProfileId, _Component], one: _Component, other: _Component) -> None:
    small, large = sorted((one, other), key=lambda component: len(component.profiles))
    large.profiles += small.profiles
    large.users += small.users
    large.types.update(small.types)
    for profile in small.profiles:
        components[profile] = large


def _survivors(
    members: Mapping[ProfileId, Member], components: Mapping[ProfileId, _Component]
) -> dict[ProfileId, ProfileId]:
    """The profile with the earliest first event bears the customer's id; of equals the smallest."""
    survivors: dict[int, ProfileId] = {}
    for component in components.values():
        if id(component) not in survivors:
            survivors[id(component)] = min(
                component.profiles, key=lambda profile: (members[profile].first_key, profile)
            )
    return {profile: survivors[id(component)] for profile, component in components.items()}


class Clusters(NamedTuple):
    groups: list[Sequence[ProfileId]]
    """Members that any link at all connects: what can be resolved apart from the other groups."""
    overfull: list[Pair]
    """Links that would have made a group larger than is allowed."""


def clusters(members: Mapping[ProfileId, Member], pairs: Iterable[Pair], most: int = MOST_IN_CLUSTER) -> Clusters:
    """Groups members by links, new ones last. A group larger than `most` does not grow any more."""
    group_of: dict[ProfileId, list[ProfileId]] = {}
    held: dict[ProfileId, list[ProfileId]] = {}
    for profile, member in members.items():
        group = held.setdefault(member.cluster, [])
        group.append(profile)
        group_of[profile] = group
    overfull: list[Pair] = []
    for pair in pairs:
        one, other = group_of[pair.strong], group_of[pair.weak]
        if one is not other and len(one) + len(other) > most:
            overfull.append(pair)
        elif one is not other:
            small, large = (one, other) if len(one) < len(other) else (other, one)
            large += small
            for profile in small:
                group_of[profile] = large
    return Clusters(list({id(group): group for group in group_of.values()}.values()), overfull)
