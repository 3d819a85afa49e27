"""Histories that are read together: of as many customers as fit, each whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.events.intake.slots import size_of
from services.events.projector.histories import Histories
from services.events.timeline.entry import Entry
from tests.events.intake.calls import event_of, track

_SIZES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=30)


def _entry(number: int, size: int) -> Entry:
    return Entry.of(1, number, event_of(track(messageId=f"m{number}", properties={"x": "x" * size})))


@given(_SIZES, st.integers(0, 1_500))
def test_the_first_customers_that_fit_are_read_whole_in_whatever_order_events_come(
    events: list[tuple[int, int]], most: int
) -> None:
    entries = [(customer, _entry(number, size)) for number, (customer, size) in enumerate(events)]
    histories, unbounded = Histories(6, most), Histories(6, None)
    for customer, entry in entries:
        histories.add(customer, entry)
        unbounded.add(customer, entry)
    whole = [[entry for customer, entry in entries if customer == number] for number in range(6)]
    sums = [sum(size_of(entry.recorded) for some in whole[:count] for entry in some) for count in range(1, 7)]
    fitting = max((count for count, said in enumerate(sums, 1) if said <= most), default=1)
    assert histories.entries == whole[:fitting]
    assert unbounded.entries == whole
