"""What the property is tried on is what it claims to be."""

from __future__ import annotations

from collections import Counter

import pytest

from services.events.live.domain.checkpoints import may_be_checkpoint
from tests.events.projector.any_order.script import EVERYTHING, Turn, everything
from tests.events.projector.any_order.world import world
from tests.oracle import identity as identity_oracle
from tests.oracle.journey import place
from tests.support.histories import history_event

SEEDS = range(1, 6)


def test_everything_is_every_kind_of_turn() -> None:
    assert set(EVERYTHING) == set(Turn)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_has_many_events_customers_checkpoints_and_refused_links(seed: int) -> None:
    happened = world(seed, everything(seed).hot)
    events = {(event["source"], event["messageId"]): event for event in happened.heard + happened.stragglers}
    components, refusals = identity_oracle.replay(list(events.values()))
    assert len(events) >= 300
    assert len(components) >= 20
    assert len(happened.stragglers) >= 50
    assert refusals != []
    hottest = max((component.events for component in components), key=len)
    assert len(hottest) >= 300
    assert sum(may_be_checkpoint(history_event(event).key) for event in hottest) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_has_ties_repeats_and_repeats_with_other_content(seed: int) -> None:
    happened = world(seed, everything(seed).hot)
    heard = Counter((event["source"], event["messageId"]) for event in happened.heard)
    contents = Counter(
        name for name, _amount in {(place(event)[4:], repr(event["properties"])) for event in happened.heard}
    )
    assert max(heard.values()) > 1
    assert max(contents.values()) > 1
    moments = Counter(event["occurredAt"] for event in happened.heard)
    assert max(moments.values()) > 5


def test_worlds_follow_from_their_number_alone() -> None:
    assert world(3, 100) == world(3, 100) != world(4, 100)
