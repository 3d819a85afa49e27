"""What is known of a customer's traits does not depend on the order, the portions or the repeats in which it came."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.events.live import traits
from services.events.live.traits import Trait, merge
from services.events.timeline.entry import Entry
from tests.support.histories import DAY, EPOCH, plain_event
from tests.support.recording import recorded


def said(message_id: str, day: int, sent: str, kind: str = "identify", source: str = "shop") -> Entry:
    """An event that says these traits, in just this spelling."""
    event = plain_event(message_id, "Identify", EPOCH + day * DAY, kind=kind, source=source)
    return Entry.of(1, 0, msgspec.structs.replace(recorded(event | _WHO), traits=sent.encode()))


_WHO = {"identifiers": [("user_id", "u1")], "verified": True}
_VALUES = st.sampled_from(["1", "1.0", "1e0", '"é"', '"\\u00e9"', "null", "[1, 2]", "18446744073709551616"])
_SENT = st.dictionaries(st.sampled_from(["a", "b", "é", "😀", ""]), _VALUES, max_size=3)
_EVENTS = st.lists(st.tuples(st.integers(0, 3), _SENT, st.sampled_from(["identify", "track"])), max_size=8)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Entry], list[Sequence[Entry]]]:
    """Events, and portions in which all of them come, in another order and some repeatedly."""
    events = [
        said(f"m{number}", day, "{" + ", ".join(f'"{name}": {value}' for name, value in sent.items()) + "}", kind)
        for number, (day, sent, kind) in enumerate(draw(_EVENTS))
    ]
    repeats = draw(st.lists(st.sampled_from(events), max_size=3)) if events else []
    arrived = draw(st.permutations(events + repeats))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrived)), max_size=3)))
    return events, [arrived[start:end] for start, end in pairwise([0, *cuts, len(arrived)])]


@given(arrivals())
def test_arrival_leaves_no_trace(case: tuple[list[Entry], list[Sequence[Entry]]]) -> None:
    events, portions = case
    assert reduce(merge, portions, merge(None, [])) == merge(None, events)


@given(arrivals())
def test_the_event_that_is_last_in_history_order_decides(case: tuple[list[Entry], list[Sequence[Entry]]]) -> None:
    events, _portions = case
    expected: dict[str, Trait] = {}
    for event in sorted(events, key=lambda event: event.key):
        if event.kind == "identify":
            sent = msgspec.json.decode(event.recorded.traits, type=dict[str, msgspec.Raw])
            expected |= {name: Trait(value, event.occurred_at, event.source) for name, value in sent.items()}
    assert traits.read(merge(None, events)) == expected


def test_values_stay_as_they_were_sent() -> None:
    sent = '{ "n": 18446744073709551616 ,"x":1.0,"deep":{"b" :1, "a":"\\u00e9"}}'
    known = traits.read(merge(None, [said("m", 1, sent, source="crm")]))
    assert {name: bytes(trait.value) for name, trait in known.items()} == {
        "n": b"18446744073709551616",
        "x": b"1.0",
        "deep": b'{"b" :1, "a":"\\u00e9"}',
    }
    assert {trait[1:] for trait in known.values()} == {(EPOCH + DAY, "crm")}


def test_who_says_nothing_changes_nothing() -> None:
    known = merge(None, [said("m", 1, '{"plan": "gold"}')])
    silent = [said("t", 2, '{"plan": "lead"}', kind="track"), said("i", 3, ""), said("j", 4, "{}")]
    assert merge(known, silent) == merge(known, []) == known
    assert merge(None, silent) == merge(None, []) == traits.NOTHING
    assert traits.read(traits.NOTHING) == {}
