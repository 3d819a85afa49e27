"""Wherever a history is cut and resumed, it means what it means as a whole; on random journeys and histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.events.live.domain import (
    EMPTY,
    History,
    HistoryState,
    Instance,
    Schedule,
    Untaken,
    alike,
    compile_version,
    fold,
)
from services.events.timeline.domain import Event
from tests.events.live.resuming import (
    Kept,
    Noting,
    merged,
    resumed_from,
    stored,
    told_at,
    trail,
    whole,
    without_numbers,
)
from tests.support.histories import history_of
from tests.support.random_histories import Case, cases, impatient_cases


class Told(NamedTuple):
    """A case as the fold sees it."""

    schedule: Schedule
    events: Sequence[Event]
    now: int


def told(case: Case) -> Told:
    versions = [compile_version(journey) for journey in case.journeys]
    return Told(Schedule("j", versions), history_of(case.events), case.now)


histories = cases() | impatient_cases()

many = pytest.mark.parametrize("examples", [150, pytest.param(3_000, marks=pytest.mark.full)], ids=["some", "many"])


@many
def test_a_history_that_is_resumed_anywhere_means_the_same(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 1_000)
    @given(histories)
    def holds(case: Case) -> None:
        schedule, events, now = told(case)
        expected = fold(schedule, events, now)
        states = states_of(schedule, events)
        for cut in range(len(events) + 1):
            before = whole(schedule, events[:cut])
            archive = Kept(told_at(before))
            history = History(schedule, stored(before.state()), archive)

            for place, event in enumerate(events[cut:], cut + 1):
                history.add(event)
                assert history.state() == states[place]

            assert merged(told_at(before), history.until(now)) == expected.instances
            assert before.untaken + history.untaken == expected.untaken
            assert len(archive.asked) == len(set(archive.asked))

    holds()


@many
def test_an_archive_may_look_up_what_it_was_asked_and_have_the_fold_repeated(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 1_000)
    @given(histories, st.integers(0, 14))
    def holds(case: Case, cut: int) -> None:
        schedule, events, now = told(case)
        before = whole(schedule, events[:cut])
        loaded: set[str | int] = set()
        while True:
            archive = Noting(Kept(told_at(before)), loaded)
            history = History(schedule, stored(before.state()), archive)
            for event in events[cut:]:
                history.add(event)
            if not archive.missed:
                break
            loaded |= archive.missed

        expected = whole(schedule, events)
        assert history.state() == expected.state()
        assert merged(told_at(before), history.until(now)) == expected.until(now)

    holds()


@many
def test_behind_alike_states_the_same_events_mean_the_same(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=examples < 1_000)
    @given(histories, st.data())
    def holds(case: Case, data: st.DataObject) -> None:
        schedule, events, now = told(case)
        late = data.draw(st.integers(0, max(len(events) - 1, 0)), label="late")
        for cut in range(late + 1, len(events) + 1):
            one, other = whole(schedule, events[:cut]), whole(schedule, [*events[:late], *events[late + 1 : cut]])
            if alike(one.state(), other.state()):
                assert continued(schedule, one, events[cut:], now) == continued(schedule, other, events[cut:], now)

    holds()


@many
def test_a_version_leaves_the_states_before_it_takes_effect_as_they_are(examples: int) -> None:
    """Otherwise what is stored of a customer would depend on whether it was folded before the version was published."""

    @settings(max_examples=examples, deadline=None, derandomize=examples < 1_000)
    @given(histories)
    def holds(case: Case) -> None:
        schedule, events, _now = told(case)
        *earlier, last = schedule.versions
        before = [event for event in events if event.occurred_at < last.effective_from]
        assert states_of(Schedule("j", earlier), before) == states_of(schedule, before)

    holds()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(histories)
def test_the_state_is_told_without_being_changed(case: Case) -> None:
    schedule, events, now = told(case)
    history = whole(schedule, events)

    instances = history.until(now)

    assert history.state() == history.state() == states_of(schedule, events)[-1]
    assert history.until(now) == instances


@settings(max_examples=100, deadline=None, derandomize=True)
@given(histories)
def test_what_an_instance_tells_of_its_steps(case: Case) -> None:
    schedule, events, now = told(case)

    for instance in fold(schedule, events, now).instances:
        first, last = instance.steps[0], instance.steps[-1]
        assert (instance.start.event, instance.start.key, instance.start.at) == (
            first.event.id,
            first.event.key,
            first.event.occurred_at,
        )
        assert (instance.start.channel, instance.start.source) == (first.channel, first.event.source)
        phases = [step.phase for step in instance.steps]
        assert instance.furthest == max(phases)  # p0, p1 and so on
        silent = instance.status == "ABANDONED" or (instance.status == "COMPLETED" and instance.due_at is None)
        assert silent or last.status is instance.status
        if instance.resting is not None:
            until = [step for step in instance.steps if instance.end_key is None or step.event.key < instance.end_key]
            assert instance.resting.trail == trail(until)


def states_of(schedule: Schedule, events: Sequence[Event]) -> list[HistoryState]:
    """The states before the first event and behind each, of one fold that is never resumed."""
    history, states = History(schedule), [EMPTY]
    for event in events:
        history.add(event)
        states.append(history.state())
    return states


def continued(
    schedule: Schedule, before: History, events: Sequence[Event], now: int
) -> tuple[list[Instance], list[Untaken], HistoryState]:
    history = resumed_from(schedule, before)
    for event in events:
        history.add(event)
    state = history.state()
    runs = tuple(run._replace(number=0) for run in state.open)
    return without_numbers(history.until(now)), history.untaken, state._replace(started=0, open=runs)
