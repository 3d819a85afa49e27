"""What holds for every history, whatever the journey."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.events.live.domain import History, Schedule, Status, compile_version, fold
from tests.events.live.story import DAY, Happened, keyed, named, on

NAMES = [
    "Product Viewed",
    "Checkout Started",
    "Order Completed",
    "Manual Opened",
    "Product Reviewed",
    "Order Cancelled",
    "Order Returned",
    "Checkout Paused",
    "Payment Failed",
    "Newsletter Opened",
]

events = st.lists(
    st.builds(on, st.integers(0, 30), st.sampled_from(NAMES), st.sampled_from([None, "A", "B"])), max_size=20
).map(lambda drawn: sorted(drawn, key=lambda event: event.key))

journeys = st.builds(
    keyed,
    instanceKey=st.sampled_from([None, "properties.order_id"]),
    reentry=st.sampled_from(["ALWAYS", "AFTER_END", "NEVER"]),
    returnedWhen=st.just(named("Order Returned")),
    pausedWhen=st.just(named("Checkout Paused")),
    pausePatience=st.just("P10D"),
    scope=st.just(named("Payment Failed")),
).map(lambda document: Schedule("webshop", [compile_version(document)]))


@given(journeys, events, st.integers(0, 40))
def test_every_event_of_the_journey_is_one_step_or_left_with_a_reason(
    schedule: Schedule, history: list[Happened], now: int
) -> None:
    folded = fold(schedule, history, now * DAY)

    seen = Counter(step.event.message_id for instance in folded.instances for step in instance.steps)
    seen.update(untaken.event.message_id for untaken in folded.untaken)
    assert seen == Counter(event.message_id for event in history if event.name != "Newsletter Opened")


@given(journeys, events, st.integers(0, 40))
def test_instances_are_consistent(schedule: Schedule, history: list[Happened], now: int) -> None:
    clock = max(now * DAY, history[-1].occurred_at if history else 0)

    instances = fold(schedule, history, now * DAY).instances

    assert [instance.run for instance in instances] == list(range(1, len(instances) + 1))
    open_keys = [instance.key for instance in instances if instance.due_at is not None and instance.key is not None]
    assert len(open_keys) == len(set(open_keys))
    for instance in instances:
        steps = instance.steps
        assert steps == sorted(steps, key=lambda step: step.event.key)
        assert (instance.started_at, instance.last_event_at) == (
            steps[0].event.occurred_at,
            steps[-1].event.occurred_at,
        )
        assert instance.phase == steps[-1].phase
        assert instance.due_at is None or instance.due_at > clock
        assert (instance.ended_at is None) == (instance.status in {Status.ACTIVE, Status.PAUSED})
        dropped = instance.status in {Status.ABANDONED, Status.CANCELLED, Status.RETURNED}
        assert (instance.drop_off is not None) == dropped
        assert not (dropped and instance.due_at is not None)


@given(journeys, events, st.integers(0, 20))
def test_a_sweep_of_the_clock_and_a_later_replay_agree(schedule: Schedule, history: list[Happened], place: int) -> None:
    swept = History(schedule)
    for event in history[:place]:
        swept.add(event)
    if history[place:]:
        swept.until(history[place].occurred_at)
    for event in history[place:]:
        swept.add(event)

    assert (swept.until(40 * DAY), swept.untaken) == fold(schedule, history, 40 * DAY)
