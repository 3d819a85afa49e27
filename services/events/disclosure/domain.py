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
from services.events.intake.position import Place
from services.events.live import traits
from services.events.timeline.entry import Entry


def vouched_for(
    known: ProfileId, members: Mapping[ProfileId, Member], links: Mapping[Pair, Link]
) -> dict[ProfileId, Member]:
    """The members that are the same customer as `known`; `links` are those that trusted senders have drawn."""
    customer_of = resolve(members, links).customers
    return {profile: member for profile, member in members.items() if customer_of[profile] == customer_of[known]}


def may_be_told(entry: Entry, own: Iterable[Identifier]) -> bool:
    """Whether an event that stands under an identifier in `own` may be told to whom they belong."""
    named = set(entry.recorded.identifiers)
    return entry.recorded.verified or (named.issubset(own) and any(type == VISITOR for type, _value in named))


@dataclass(frozen=True)
class Story:
    """All that may be told to whoever is known to be `known`: perhaps nothing."""

    known: ProfileId
    members: Mapping[ProfileId, Member]
    """Those whom trusted senders have linked with it, and itself; nobody if no event names it."""
    links: Mapping[Pair, Link]
    """What trusted senders have said of who of them is the same."""
    entries: Sequence[Entry]
    """In history order."""

    def until(self, place: Place, places: Mapping[int, Place]) -> Story:
        """What of it could be told when the log had come to a place.

        `places` are those of the rows in which the entries and the links stand. What could be told then and cannot any
        more, because of an event that came late, is not in it.
        """
        entries = [entry for entry in self.entries if places[entry.seq] <= place]
        links = {pair: link for pair, link in self.links.items() if places[link.seq] <= place}
        links |= {pair: link for pair, link in self._said(entries).items() if pair not in links}
        members = vouched_for(self.known, self.members, links)
        own = frozenset((member.type, member.value) for member in members.values())
        told = [one for one in entries if one.recorded.identifiers[0] in own and may_be_told(one, own)]
        return Story(self.known, members, links, told)

    def _said(self, entries: Iterable[Entry]) -> dict[Pair, Link]:
        """The links that these entries draw. Of a stored one it is only known where it was drawn first in history."""
        links: dict[Pair, Link] = {}
        for entry in entries:
            strong, *weak = (self.profiles.get(identifier) for identifier in entry.recorded.identifiers)
            if entry.recorded.verified and strong is not None:
                for profile in weak:
                    if profile is not None:
                        links.setdefault(Pair(strong, profile, True), Link(entry.key, entry.seq, entry.slot))
        return links

    @cached_property
    def profiles(self) -> dict[Identifier, ProfileId]:
        return {(member.type, member.value): profile for profile, member in self.members.items()}

    @cached_property
    def verified(self) -> frozenset[Identifier]:
        return frozenset((one.type, one.value) for one in self.members.values() if one.verified_key is not None)

    @cached_property
    def named(self) -> dict[Identifier, KnownIdentifier]:
        """The identifiers that these events name, the strongest first."""
        first: dict[Identifier, Entry] = {}
        for entry in self.entries:
            for identifier in entry.recorded.identifiers:
                if identifier in self.profiles:
                    first.setdefault(identifier, entry)
        return {
            identifier: KnownIdentifier(
                self.customer, *identifier, first[identifier].occurred_at, identifier in self.verified
            )
            for identifier in sorted(first, key=strength)
        }

    @cached_property
    def ledger(self) -> list[Assertion]:
        """The links that make this customer one, oldest first, as far as the events that say so are told.

        Claims may have refused them where everything counts; here they are taken.
        """
        told = {entry.id for entry in self.entries}
        refusals = resolve(self.members, self.links).refusals
        taken = {pair: replace(link, refusal=None) for pair, link in self.links.items() if refusals[pair] is None}
        return [one for one in in_order(self.members, taken) if one.event in told]

    def known_by(self, profile: ProfileId) -> KnownIdentifier:
        """What is told of an identifier that an event of these names."""
        member = self.members[profile]
        return self.named[member.type, member.value]

    @cached_property
    def customer(self) -> ProfileId:
        """As everywhere, the profile that was named first; of those that one event names the smallest. Only if there
        is anything to tell."""
        return min(
            self.profiles[identifier]
            for identifier in self.entries[0].recorded.identifiers
            if identifier in self.profiles
        )

    @cached_property
    def row(self) -> CustomerRow:
        """Only if there is anything to tell."""
        return CustomerRow(
            self.customer,
            list(self.named.values()),
            traits.read(traits.merge(None, self.entries)),
            self.entries[0].occurred_at,
            self.entries[-1].occurred_at,
            self.entries[0].id,
        )
