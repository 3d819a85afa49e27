"""What may be told to whoever is known to be one identifier. Pure.

State and insights are drawn from claims too: anybody can read a website's write key and send, with it, that the visitor
with the attacker's cookie is the user with the victim's id. So nothing that a claim could have brought about is told:

* *Who*: the identifiers that trusted senders alone have linked to the one that is known. They are resolved anew without
  any claim, since a claim that came first can refuse a link that was vouched for, as well as join what is apart.
* *What*: the events that stand under these identifiers, if a trusted sender told them, or if they name nobody else and
  among these a visitor's id: random, and known to nobody but the browser that it was given to. Ids of users and
  addresses can be guessed; an event that only claims to be theirs could be anybody's.
* *Where they stand*: what these events alone mean, and when they alone say that somebody was first seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from services.events.identity.domain import (
    VISITOR,
    Assertion,
    Identifier,
    Link,
    Member,
    Pair,
    ProfileId,
    in_order,
    resolve,
    strength,
)
from services.events.identity.queries import CustomerRow, KnownIdentifier
from services.events.live import traits
from services.events.timeline.entry import Entry


class Vouched(NamedTuple):
    """Who trusted senders say is the same customer, and the links between these that they have drawn."""

    members: Mapping[ProfileId, Member]
    links: Mapping[Pair, Link]


def vouched_for(known: ProfileId, members: Mapping[ProfileId, Member], links: Mapping[Pair, Link]) -> Vouched:
    """The members that are the same customer as `known`, had nobody ever claimed anything."""
    drawn = {pair: link for pair, link in links.items() if pair.verified}
    customer_of = resolve(members, drawn).customers
    same = {profile: member for profile, member in members.items() if customer_of[profile] == customer_of[known]}
    return Vouched(same, {pair: link for pair, link in drawn.items() if pair.strong in same and pair.weak in same})


def may_be_told(entry: Entry, own: Iterable[Identifier]) -> bool:
    """Whether an event that stands under an identifier in `own` may be told to whom they belong."""
    named = set(entry.recorded.identifiers)
    return entry.recorded.verified or (named.issubset(own) and any(type == VISITOR for type, _value in named))


@dataclass(frozen=True)
class Story:
    """All that may be told of a customer. `entries` are in history order; there is at least one."""

    vouched: Vouched
    entries: Sequence[Entry]

    @cached_property
    def profiles(self) -> Mapping[Identifier, ProfileId]:
        return {(member.type, member.value): profile for profile, member in self.vouched.members.items()}

    @cached_property
    def known(self) -> dict[Identifier, KnownIdentifier]:
        """The identifiers that these events name, the strongest first."""
        first: dict[Identifier, Entry] = {}
        for entry in self.entries:
            for identifier in entry.recorded.identifiers:
                if identifier in self.profiles:
                    first.setdefault(identifier, entry)
        return {
            identifier: KnownIdentifier(
                self.customer, *identifier, first[identifier].occurred_at, self._is_verified(identifier)
            )
            for identifier in sorted(first, key=strength)
        }

    def _is_verified(self, identifier: Identifier) -> bool:
        return self.vouched.members[self.profiles[identifier]].verified_key is not None

    @cached_property
    def ledger(self) -> list[Assertion]:
        """The links that make this customer one, oldest first, as far as the events that say so are told.

        Claims may have refused them where everything counts; here they are taken.
        """
        told = {entry.id for entry in self.entries}
        members, links = self.vouched
        refusals = resolve(members, links).refusals
        taken = {pair: replace(link, refusal=None) for pair, link in links.items() if refusals[pair] is None}
        return [one for one in in_order(members, taken) if one.event in told]

    def known_by(self, profile: ProfileId) -> KnownIdentifier:
        """What is told of an identifier that an event of these names."""
        member = self.vouched.members[profile]
        return self.known[member.type, member.value]

    @cached_property
    def customer(self) -> ProfileId:
        """As everywhere, the profile that was named first; of those that one event names the smallest."""
        return min(
            self.profiles[identifier]
            for identifier in self.entries[0].recorded.identifiers
            if identifier in self.profiles
        )

    @cached_property
    def row(self) -> CustomerRow:
        return CustomerRow(
            self.customer,
            list(self.known.values()),
            traits.read(traits.merge(None, self.entries)),
            self.entries[0].occurred_at,
            self.entries[-1].occurred_at,
            self.entries[0].id,
        )
