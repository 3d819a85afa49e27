"""Reading insights: from the counters where these can tell, else from instances and steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infra.chassis.database import Database
from services.events.insights.contributions import tallied
from services.events.insights.domain import Cell, Counts, Selection, Stretch
from services.events.insights.store import changes, counts_in
from services.events.models import builds
from services.events.models.builds import Build
from services.events.models.queries import Models
from services.events.tables import counters, instances

_PORTION = 200
"""Counters that are added up before others get their turn."""

Sums = dict[int, Counts]
"""By journey version."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one journey.

    `counters` have answered, at a cost that depends on the days and their variety alone, or else `instances`.
    """

    answered_by: str
    sums: Sums
    phases: Mapping[int, Sequence[str]]
    """The keys of each version concerned, in their believed order."""


class InsightQueries:
    """Reads the insights of all workspaces."""

    def __init__(self, state: Database, models: Models) -> None:
        self._state = state
        self._models = models

    async def read(
        self, workspace: str, journeys: Collection[str], selection: Selection, *, with_gaps: bool = False
    ) -> dict[str, Answer]:
        """The sums over the selected instances of each journey that has a live build.

        Without the gaps it costs the same however many instances the counters count; with what is still to be added
        to them a few times as much.
        """
        async with self._state.read(snapshot=True) as connection:
            active = await builds.active(connection, workspace)
            live = [build for build in active if build.live and build.journey in journeys]
            schedules = await self._models.schedules(connection, workspace, live)
            if selection.is_counted:
                found = await _from_counters(connection, workspace, live, selection, with_gaps=with_gaps)
                answered_by, sums = "counters", found
            else:
                answered_by, sums = "instances", await _from_instances(connection, workspace, live, selection)
        if not with_gaps:
            sums = {build: _without_gaps(of_build) for build, of_build in sums.items()}
        return {
            build.journey: Answer(
                answered_by,
                sums[build.number],
                {
                    version.number: [phase.key for phase in version.phases]
                    for version in schedules[build.number].versions
                    if selection.version in (None, version.number)
                },
            )
            for build in live
        }


def conditions_of(journeys: Collection[str], selection: Selection) -> list[ColumnElement[bool]]:
    """What an instance, of any build of these journeys, must meet to be selected."""
    columns = instances.c
    met: list[ColumnElement[bool]] = [columns.journey.in_(journeys)]
    if selection.started_from is not None:
        met.append(columns.started_at >= selection.started_from)
    if selection.started_before is not None:
        met.append(columns.started_at < selection.started_before)
    if selection.version is not None:
        met.append(columns.version == selection.version)
    return met + [columns[dimension] == value for dimension, value in selection.values.items()]


async def _from_counters(
    connection: AsyncConnection, workspace: str, live: Sequence[Build], selection: Selection, *, with_gaps: bool
) -> dict[int, Sums]:
    """The sums by build."""
    columns = counters.c
    [(dimension, value)] = selection.values.items() or [("", "")]
    versions = {version for build in live for version in build.versions}
    met = [
        columns.workspace == workspace,
        columns.build.in_([build.number for build in live]),
        columns.version.in_(versions if selection.version is None else versions & {selection.version}),
        columns.dimension == dimension,
        columns.value == value,
    ]
    met.append(or_(*map(_begins_in, selection.stretches)))
    gaps = columns.gaps if with_gaps else null()
    query = select(columns.build, columns.version, columns.body, gaps).where(*met)
    sums: dict[int, Sums] = {build.number: {} for build in live}
    async with connection.stream(query.execution_options(yield_per=_PORTION)) as found:
        async for rows in found.partitions():
            for build, version, *stored in rows:
                sums[build].setdefault(version, Counts()).add(counts_in(*stored))
    waiting = await changes(connection, workspace)
    for cell, change in waiting.cells(_asks(sums, selection), with_gaps=with_gaps).items():
        sums[cell.build].setdefault(cell.version, Counts()).add(change)
    for counts in (counts for of_build in sums.values() for counts in of_build.values()):
        counts.drop_zeros()
    return sums


def _without_gaps(sums: Sums) -> Sums:
    return {version: Counts(counts.plain) for version, counts in sums.items()}


def _begins_in(stretch: Stretch) -> ColumnElement[bool]:
    columns = counters.c
    met = [columns.span == stretch.span]
    if stretch.first is not None:
        met.append(columns.day >= stretch.first)
    if stretch.before is not None:
        met.append(columns.day < stretch.before)
    return and_(*met)


def _asks(numbers: Collection[int], selection: Selection) -> Callable[[Cell], bool]:
    """For a cell what the query asks of the counters; `numbers` are those of the builds."""
    [value] = selection.values.items() or [("", "")]
    stretches = selection.stretches

    def is_asked(cell: Cell) -> bool:
        return (
            (cell.dimension, cell.value) == value
            and cell.build in numbers
            and selection.version in (None, cell.version)
            and any(stretch.has(cell.span, cell.day) for stretch in stretches)
        )

    return is_asked


async def _from_instances(
    connection: AsyncConnection, workspace: str, live: Sequence[Build], selection: Selection
) -> dict[int, Sums]:
    """The same, the long way."""
    sums: dict[int, Sums] = {}
    for build in live:
        of_build = [instances.c.build == build.number, *conditions_of([build.journey], selection)]
        sums[build.number] = (await tallied(connection, workspace, of_build)).by_version()
    return sums
