"""Takes what events assert about identifiers into the stored identities, many events at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.events.identity import store
from services.events.identity.domain import (
    NO_CLUSTER,
    OVERFULL,
    Identifier,
    Link,
    Member,
    Pair,
    ProfileId,
    clusters,
    profile_id,
    resolve,
)
from services.events.tables import identifiers
from services.events.timeline.domain import BEGINNING
from services.events.timeline.entry import Entry


class Observed(NamedTuple):
    owners: list[tuple[ProfileId, ProfileId]]
    """For each event the profile under which it stands, and the customer that this profile belongs to now."""
    moved: dict[ProfileId, bytes]
    """Customers, past and present, to whom or from whom an identifier moved that was known before: the history key from
    which on their histories are others now. Empty for one that lost an identifier: what it had cannot be relied on."""


class Ledger:
    """The identities that one batch of events touches; they are written before `observe` returns."""

    def __init__(self, workspace: str, secret: bytes) -> None:
        self._workspace = workspace
        self._secret = secret
        self._profiles: dict[Identifier, ProfileId] = {}
        self._members: dict[ProfileId, Member] = {}
        self._new: set[ProfileId] = set()
        self._changed: set[ProfileId] = set()
        self._moved: dict[ProfileId, bytes] = {}

    async def observe(self, connection: AsyncConnection, entries: Sequence[Entry]) -> Observed:
        """Takes in what the entries assert, all of it or nothing."""
        profile_of = self._profile
        named = [[profile_of(identifier) for identifier in entry.recorded.identifiers] for entry in entries]
        self._members = await store.members_of(
            connection, self._workspace, identifiers.c.profile, set(chain.from_iterable(named))
        )
        links: dict[Pair, Link] = {}
        earlier: set[ProfileId] = set()
        for entry, profiles in zip(entries, named, strict=True):
            key, recorded = entry.key, entry.recorded
            for identifier, profile in zip(recorded.identifiers, profiles, strict=True):
                self._name(key, recorded.verified, identifier, profile, earlier)
            for weak in profiles[1:]:
                _keep_earliest(links, Pair(profiles[0], weak, recorded.verified), entry)
        self._changed |= earlier
        await self._settle(connection, links, earlier - self._new)
        new = {profile: self._members[profile] for profile in self._new}
        changed = {profile: self._members[profile] for profile in self._changed - self._new}
        await store.write_members(connection, self._workspace, new, changed)
        return Observed([(profiles[0], self._members[profiles[0]].customer) for profiles in named], self._moved)

    def _profile(self, identifier: Identifier) -> ProfileId:
        profile = self._profiles.get(identifier)
        if profile is None:
            profile = self._profiles[identifier] = profile_id(self._secret, *identifier)
        return profile

    def _name(
        self, key: bytes, verified: bool, identifier: Identifier, profile: ProfileId, earlier: set[ProfileId]
    ) -> None:
        """Takes in that an event names an identifier; notes it in `earlier` if that moves one of its first events."""
        member = self._members.get(profile)
        if member is None:
            member = self._members[profile] = Member(*identifier, key, None, profile, profile)
            self._new.add(profile)
        if key < member.first_key:
            member.first_key = key
            earlier.add(profile)
        if verified and (member.verified_key is None or key < member.verified_key):
            member.verified_key = key
            earlier.add(profile)

    async def _settle(self, connection: AsyncConnection, links: dict[Pair, Link], earlier: set[ProfileId]) -> None:
        """Resolves anew every cluster that a link or an earlier first event touches."""
        linked = {profile for pair in links for profile in pair[:2]}
        touched = {self._members[profile].cluster for profile in linked | earlier}
        stored = touched - {profile for profile in self._new if self._members[profile].cluster == profile}
        if not stored and not links:
            return
        for profile, member in (
            await store.members_of(connection, self._workspace, identifiers.c.cluster, stored)
        ).items():
            self._members.setdefault(profile, member)
        known = await store.links_of_clusters(connection, self._workspace, stored)
        changed: dict[Pair, Link] = {}
        for pair, link in links.items():
            if pair not in known or link.key < known[pair].key:
                known[pair] = changed[pair] = link
        affected = {profile: member for profile, member in self._members.items() if member.cluster in touched}
        cluster_of: dict[Pair, ProfileId] = {}
        groups, overfull = clusters(affected, known)
        for pair in overfull:
            link = changed[pair] = known.pop(pair)
            link.refusal, cluster_of[pair] = OVERFULL, NO_CLUSTER
        by_strong: dict[ProfileId, dict[Pair, Link]] = defaultdict(dict)
        for pair, link in known.items():
            by_strong[pair.strong][pair] = link
        for group in groups:
            drawn = {pair: link for profile in group for pair, link in by_strong.get(profile, {}).items()}
            self._resolve(group, drawn, changed, cluster_of)
        await store.replace_links(connection, self._workspace, cluster_of, changed)

    def _resolve(
        self,
        group: Iterable[ProfileId],
        links: Mapping[Pair, Link],
        changed: dict[Pair, Link],
        cluster_of: dict[Pair, ProfileId],
    ) -> None:
        """`links` are those between members of the group."""
        members = {profile: self._members[profile] for profile in group}
        resolution = resolve(members, links)
        cluster = min(members)
        for pair, link in links.items():
            cluster_of[pair] = cluster
            stale = members[pair.strong].cluster != cluster or members[pair.weak].cluster != cluster
            if stale or link.refusal != resolution.refusals[pair]:
                link.refusal = resolution.refusals[pair]
                changed[pair] = link
        for profile, member in members.items():
            customer = resolution.customers[profile]
            if (member.customer, member.cluster) != (customer, cluster):
                if member.customer != customer and profile not in self._new:
                    self._move(member, customer)
                member.customer, member.cluster = customer, cluster
                self._changed.add(profile)

    def _move(self, member: Member, customer: ProfileId) -> None:
        """Notes that an identifier goes over to another customer.

        All events that stand under it name it, so none of them is earlier than its first. What stands under an
        identifier that is new came in with these very events, and nobody had it before.
        """
        self._moved[member.customer] = BEGINNING
        self._moved[customer] = min(self._moved.get(customer, member.first_key), member.first_key)


def _keep_earliest(links: dict[Pair, Link], pair: Pair, entry: Entry) -> None:
    held = links.get(pair)
    if held is None or entry.key < held.key:
        links[pair] = Link(entry.key, entry.seq, entry.slot)
