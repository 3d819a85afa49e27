"""Events that rules ask about are found wherever they stand in the log, however many steps it takes."""

from __future__ import annotations

from services.events import tables
from services.events.personas import store
from services.events.personas.domain import name_digest
from services.events.personas.queries import PublishedPersonas
from services.events.timeline.domain import message_of
from tests.events.personas.asking import asking, persona
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import WORKSPACE, Reality

ADA = ("user_id", "ada")


async def names_and_messages(reality: Reality) -> list[tuple[bytes, bytes]]:
    return sorted((row.name, message_of(row.key)) for row in await reality.rows(tables.occurrences))


async def fill(reality: Reality, most: int) -> int:
    async with reality.state.write() as connection:
        return await store.fill(connection, reality.log, WORKSPACE, most)


async def test_a_long_log_is_looked_through_in_portions_while_the_version_before_goes_on(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([persona("visitor", 'seen("View", "P9D")')])
        for day in range(6):
            await reality.record([happening(f"{name}{day}", name, day, ADA) for name in ("View", "Note", "Other")])
        reality.now = EPOCH + 6 * DAY
        await reality.project()
        views = [(name_digest("View"), b"shop\x00View%d" % day) for day in range(6)]
        assert await names_and_messages(reality) == views

        # A version asks about notes for the first time, and the step that takes it in comes no further.
        [cursor] = await reality.rows(tables.cursors)
        version = persona("visitor", 'seen("View", "P9D") && count("Note", "P9D") == 6', 2)
        place = await reality.publish_personas([version])
        published = store.Publication(place.seq, (await reality.log.read_rows(WORKSPACE, [place.seq]))[place.seq][0])
        async with reality.state.write() as connection:
            await store.publish(connection, WORKSPACE, [published], store.Place(cursor.xid, cursor.seq))
        personas = PublishedPersonas(reality.state)
        assert [one.number for one in await personas.in_force(WORKSPACE)] == [1]
        assert await personas.logged(WORKSPACE) == {"visitor": 2}

        # Rows are looked at as a whole: the first one, with the personas, and two of events; then the rest.
        assert await fill(reality, 5) == 7
        notes = [(name_digest("Note"), b"shop\x00Note%d" % day) for day in range(6)]
        assert await names_and_messages(reality) == sorted(views + notes[:2])
        assert [one.number for one in await personas.in_force(WORKSPACE)] == [1]
        assert await fill(reality, 100) == 12
        assert await names_and_messages(reality) == sorted(views + notes)
        assert [one.number for one in await personas.in_force(WORKSPACE)] == [2]
        assert await fill(reality, 100) == 0
        assert {tuple(row)[2:] for row in await reality.rows(tables.asked_names)} == {(None,) * 4}

        # What stands in the log as well means nothing new.
        await reality.project()
        assert await names_and_messages(reality) == sorted(views + notes)
        async with asking(reality) as asked:
            [ada] = await asked.who(ADA)
        assert ada is not None
        assert ada["version"] == 2


async def test_repeats_are_one_occurrence_also_when_they_are_looked_for_later(database_url: str) -> None:
    """A repeat that was received later may have another time: the first one in the log stands in the timeline."""
    async with Reality(database_url) as reality:
        first = happening("v", "View", 1, ADA)
        await reality.record([first, first | {"occurredAt": EPOCH}, happening("w", "View", 2, ADA)])
        await reality.project()
        await reality.publish_personas([persona("visitor", 'seen("View", "P9D")')])
        await reality.project()
        occurrences = await reality.rows(tables.occurrences)
        timeline = await reality.rows(tables.timeline)
        assert [(row.profile, row.key, row.seq, row.slot) for row in occurrences] == [
            (row.profile, row.key, row.seq, row.slot) for row in timeline
        ]
        assert len(timeline) == 2


async def test_nothing_is_kept_that_nobody_asks_about(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([persona("anybody", "traits.x == 1"), persona("nobody", None)])
        await reality.record([happening("v", "View", 1, ADA)])
        await reality.project()
        assert await reality.rows(tables.occurrences) == []
        assert await reality.rows(tables.asked_names) == []


async def test_workspaces_and_names_of_any_length_stay_apart(database_url: str) -> None:
    long = "x" * 3_000
    async with Reality(database_url) as reality:
        await reality.publish_personas([persona("long", f'seen("{long}", "P9D")')])
        await reality.record([happening("a", long, 1, ADA), happening("b", long + "y", 1, ADA)])
        reality.now = EPOCH + 2 * DAY
        await reality.project()
        assert await names_and_messages(reality) == [(name_digest(long), b"shop\x00a")]
        async with reality.state.read() as connection:
            assert await store.asked(connection, "other") == frozenset()
        assert await PublishedPersonas(reality.state).in_force("other") == []
