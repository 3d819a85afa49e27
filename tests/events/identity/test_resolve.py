"""Which links are taken, which are refused and why, and who survives."""

from __future__ import annotations

from services.events.identity.domain import (
    DIFFERENT_USERS,
    LIMIT,
    Link,
    Member,
    Pair,
    clusters,
    profile_id,
    resolve,
    strength,
)


def moment(number: int) -> bytes:
    return number.to_bytes(4, "big")


class People:
    """Identifiers written as `type:value`; links drawn between them at moments."""

    def __init__(self) -> None:
        self.members: dict[bytes, Member] = {}
        self.links: dict[Pair, Link] = {}

    def id(self, text: str) -> bytes:
        return text.encode()

    def seen(self, text: str, at: int, *, verified_at: int | None = None) -> None:
        type, _, value = text.partition(":")
        verified = None if verified_at is None else moment(verified_at)
        self.members[self.id(text)] = Member(type, value, moment(at), verified, self.id(text), self.id(text))

    def link(self, strong: str, weak: str, at: int, *, verified: bool = False) -> Pair:
        pair = Pair(self.id(strong), self.id(weak), verified)
        self.links[pair] = Link(moment(at), at, 0)
        return pair

    def customers(self) -> dict[str, str]:
        return {one.decode(): other.decode() for one, other in resolve(self.members, self.links).customers.items()}

    def refusal(self, pair: Pair) -> str | None:
        return resolve(self.members, self.links).refusals[pair]


def test_the_earliest_profile_survives_and_of_equals_the_smallest() -> None:
    people = People()
    people.seen("user_id:u", 5)
    people.seen("anonymous_id:b", 3)
    people.seen("anonymous_id:a", 3)
    people.link("user_id:u", "anonymous_id:b", 5)
    people.link("user_id:u", "anonymous_id:a", 6)
    assert set(people.customers().values()) == {"anonymous_id:a"}


def test_a_shared_browser_does_not_join_two_users() -> None:
    people = People()
    for text, at in (("user_id:u1", 1), ("user_id:u2", 3), ("anonymous_id:a", 1)):
        people.seen(text, at)
    first = people.link("user_id:u1", "anonymous_id:a", 1)
    second = people.link("user_id:u2", "anonymous_id:a", 3)
    assert (people.refusal(first), people.refusal(second)) == (None, DIFFERENT_USERS)
    assert people.customers()["user_id:u2"] == "user_id:u2"


def test_history_decides_which_of_two_links_comes_first() -> None:
    people = People()
    for text, at in (("user_id:u1", 4), ("user_id:u2", 3), ("anonymous_id:a", 3)):
        people.seen(text, at)
    late = people.link("user_id:u1", "anonymous_id:a", 4)
    early = people.link("user_id:u2", "anonymous_id:a", 3)
    assert (people.refusal(early), people.refusal(late)) == (None, DIFFERENT_USERS)


def test_a_verified_link_outweighs_claimed_users_but_not_verified_ones() -> None:
    people = People()
    people.seen("user_id:u1", 1)
    people.seen("user_id:u2", 1)
    people.seen("crm_id:c", 1)
    people.link("user_id:u1", "crm_id:c", 1)
    claimed = people.link("user_id:u2", "crm_id:c", 2, verified=True)
    assert people.refusal(claimed) is None

    people.seen("user_id:u1", 1, verified_at=1)
    people.seen("user_id:u2", 1, verified_at=2)
    assert people.refusal(claimed) == DIFFERENT_USERS
    people.seen("user_id:u2", 1, verified_at=3)  # verified only after the link was tried
    assert people.refusal(claimed) is None


def test_only_a_verified_alias_joins_two_user_ids() -> None:
    people = People()
    people.seen("user_id:u1", 1, verified_at=1)
    people.seen("user_id:u2", 1, verified_at=1)
    assert people.refusal(people.link("user_id:u1", "user_id:u2", 2)) == DIFFERENT_USERS
    assert people.refusal(people.link("user_id:u1", "user_id:u2", 2, verified=True)) is None


def test_a_customer_has_at_most_fifty_addresses() -> None:
    people = People()
    people.seen("user_id:u", 0)
    pairs = []
    for number in range(51):
        people.seen(f"email:{number:02}@example.nl", 0)
        pairs.append(people.link("user_id:u", f"email:{number:02}@example.nl", number))
    assert [people.refusal(pair) for pair in pairs] == [None] * 50 + [LIMIT]


def test_a_full_cluster_takes_no_further_link() -> None:
    people = People()
    for text in ("anonymous_id:kiosk", "user_id:u1", "user_id:u2", "user_id:u3"):
        people.seen(text, 0)
    pairs = [people.link(f"user_id:u{number}", "anonymous_id:kiosk", number) for number in (1, 2, 3)]
    groups, overfull = clusters(people.members, pairs, most=3)
    assert overfull == [pairs[2]]
    assert sorted(map(len, groups)) == [1, 3]


def test_strength_follows_the_contract_and_then_code_points() -> None:
    identifiers = [("loyalty", "a"), ("anonymous_id", "a"), ("email", "b"), ("email", "a"), ("user_id", "z")]
    assert sorted(identifiers, key=strength) == [
        ("user_id", "z"), ("email", "a"), ("email", "b"), ("anonymous_id", "a"), ("loyalty", "a"),
    ]  # fmt: skip


def test_a_profile_id_does_not_reveal_its_identifier_to_another_workspace() -> None:
    assert profile_id(b"one", "email", "ada@example.nl") != profile_id(b"two", "email", "ada@example.nl")
