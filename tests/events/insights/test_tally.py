"""Contributions can be added, taken away and cut anywhere; each goes into the cells of its dimensions."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.events.insights.domain import Cell, Counts, Tally
from services.events.insights.domain.spans import month_of
from services.events.live.domain.trail import BEFORE_START, Trail
from services.events.timeline.domain import occurred_at_of, source_of
from tests.events.insights.rows import Walk, dropped, tallied, walk
from tests.support.histories import DAY, EPOCH

TODAY = EPOCH // DAY

VALUES = st.sampled_from([None, "web", "app", "shop"])
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(0, 200),
            "touchpoint": st.sampled_from([None, "viewed", "cart", "paid"]),
            "channel": VALUES,
            "device": VALUES,
            "source": st.sampled_from(["site", "till"]),
        }
    ),
    min_size=0,
    max_size=8,
)
COLUMNS = st.sampled_from(
    [{}, {"status": "COMPLETED", "ended_at": EPOCH + DAY}, dropped("look"), dropped("buy", "EXTRA_COST", "CANCELLED")]
)


@st.composite
def walks(draw: st.DrawFn, name: str = "one") -> Walk:
    first = draw(st.integers(0, 50))
    later = sorted(draw(STEPS), key=lambda one: one["hours"])
    start: dict[str, Any] = {"hours": first, "touchpoint": "viewed", "channel": draw(VALUES), "device": draw(VALUES)}
    rest = [one | {"hours": first + one["hours"]} for one in later]
    return walk(name, start, *rest, partition=draw(st.integers(0, 1)), variant=draw(VALUES), **draw(COLUMNS))


@given(walks(), st.data())
def test_the_steps_of_an_instance_may_be_cut_anywhere(one: Walk, data: st.DataObject) -> None:
    row, steps = one
    cut = data.draw(st.integers(0, len(steps)))
    parts = Tally()
    parts.instance(row, 1)
    behind = parts.steps(row, BEFORE_START, steps[:cut], 1)
    parts.steps(row, behind, steps[cut:], 1)
    assert parts.cells() == tallied([one]).cells()


@given(walks())
def test_the_trail_behind_steps_is_that_of_the_fold(one: Walk) -> None:
    row, steps = one
    trail = BEFORE_START
    for step in steps:
        at, source = occurred_at_of(step.key), source_of(step.key)
        trail = trail.after(step.touchpoint, at, step.channel, step.device, source)
    assert Tally().steps(row, BEFORE_START, steps, 1) == trail


@given(st.lists(walks()), walks("other"))
def test_what_is_added_and_taken_away_leaves_nothing(some: list[Walk], other: Walk) -> None:
    tally = tallied(some)
    before = tally.cells()
    tallied([other], 1, tally)
    tallied([other], -1, tally)
    assert tally.cells() == before
    tallied(some, -1, tally)
    assert tally.cells() == {}
    assert tally.by_version() == {}


@given(walks(), walks())
def test_another_end_is_the_old_one_taken_away_and_the_new_one_added(old: Walk, new: Walk) -> None:
    """As the projector does when a late event changes how a run went on."""
    (row, steps), (other, more) = old, new
    same_start = other._replace(started_at=row.started_at, partition=row.partition)
    profile = {"channel": row.channel, "device": row.device, "source": row.source, "variant": row.variant}
    row_now = same_start._replace(**profile)
    whole = tallied([(row, steps)])
    behind = Tally().steps(row, BEFORE_START, steps[:1], 1)
    whole.instance(row, -1)
    whole.steps(row, behind, steps[1:], -1)
    whole.instance(row_now, 1)
    later = [step for step in more if occurred_at_of(step.key) >= behind.at]
    whole.steps(row_now, behind, later, 1)
    assert whole.cells() == tallied([(row_now, [steps[0], *later])]).cells()


@given(st.lists(walks()))
def test_sums_by_version_are_those_of_the_cells_without_dimension(some: list[Walk]) -> None:
    """By the day and by the month."""
    tally = tallied(some)
    for span in ("day", "month"):
        summed: dict[int, Counts] = {}
        for cell, counts in tally.cells(lambda cell, span=span: (cell.span, cell.dimension) == (span, "")).items():
            summed.setdefault(cell.version, Counts()).add(counts)
        assert tally.by_version() == summed


@given(st.lists(walks()))
def test_without_the_gaps_the_rest_is_the_same(some: list[Walk]) -> None:
    tally = tallied(some)
    expected = {cell: counts.plain for cell, counts in tally.cells().items() if counts.plain}
    assert {cell: counts.plain for cell, counts in tally.cells(with_gaps=False).items()} == expected


def test_a_contribution_goes_into_the_cells_of_what_is_known_of_the_first_step() -> None:
    one = walk(
        "one",
        {"hours": 47, "touchpoint": "viewed", "channel": "web", "source": "till"},
        partition=3,
        build=8,
        version=2,
        variant="B",
    )
    cells = [("", ""), ("channel", "web"), ("source", "till"), ("variant", "B")]
    expected = Counts(plain={"s\x00ACTIVE": 1, "p\x00look": 1, "b\x00viewed": 1})
    spans = [("day", TODAY + 1), ("month", month_of(TODAY + 1))]
    assert tallied([one]).cells() == {Cell(8, 2, *span, *names): expected for span in spans for names in cells}


def test_a_value_that_no_index_can_hold_has_no_cell() -> None:
    long = walk("long", {"hours": 0, "touchpoint": "viewed", "channel": "x" * 256, "device": "y" * 255})
    found = {(cell.dimension, cell.value) for cell in tallied([long]).cells()}
    assert found == {("", ""), ("device", "y" * 255), ("source", "site")}


def test_days_before_1970_are_days_too() -> None:
    early = walk("early", {"hours": 0, "touchpoint": "viewed"}, started_at=-1)
    assert {(cell.span, cell.day) for cell in tallied([early]).cells()} == {("day", -1), ("month", -31)}


def test_the_first_step_after_a_trail_without_a_touchpoint_starts_the_flow() -> None:
    row, steps = walk("one", {"hours": 5, "touchpoint": "viewed", "channel": "app", "device": "mobile"})
    tally = Tally()
    tally.steps(row, Trail(None, 0, "web", None, "site"), steps, 1)
    assert tally.by_version() == {1: Counts(plain={"b\x00viewed": 1, "c\x00web\x00app": 1})}
