"""Who customers are as things happen, as time passes, and as personas are published."""

from __future__ import annotations

from tests.events.personas.asking import asking, persona
from tests.support.histories import DAY, EPOCH
from tests.support.lives import happening
from tests.support.reality import Reality

ADA, VISITOR, BOB = ("user_id", "ada"), ("anonymous_id", "a1"), ("user_id", "bob")
SEARCHER = persona("searcher", 'count("View", "P3D") >= 2 && !seen("Buy", "P30D")')
BUYER = persona("buyer", 'traits.plan == "gold" && since("Buy") <= duration("P9D")')


async def test_a_reason_says_what_was_counted_and_by_which_events(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([SEARCHER, BUYER])
        views = [happening(f"v{day}", "View", day, ADA) for day in (0, 2, 4, 4.5)]
        await reality.record([*views, happening("other", "Other", 4.6, ADA), happening("b", "View", 4, BOB)])
        reality.now = EPOCH + 5 * DAY
        await reality.project()
        async with asking(reality) as asked:
            assert await asked.who(ADA, BOB) == [
                {
                    "persona": "searcher",
                    "version": 1,
                    "fit": 1.0,
                    "because": [
                        {
                            "text": 'The rule of persona "searcher" holds: "View" occurred 2 times in the last 3 days; '
                            '"Buy" did not occur in the last 30 days.',
                            "events": ["v4.5", "v4"],
                            "rule": SEARCHER["matches"],
                            "modelVersion": 1,
                        }
                    ],
                },
                None,
            ]


async def test_time_alone_changes_who_somebody_is(database_url: str) -> None:
    """To the microsecond: an event exactly three days ago does not count, nor one nine days ago and a bit more."""
    async with Reality(database_url) as reality:
        await reality.publish_personas([SEARCHER, BUYER])
        await reality.record(
            [
                happening("i", "Identify", 0, ADA, kind="identify", traits={"plan": "gold"}),
                happening("v0", "View", 0, ADA),
                happening("v1", "View", 1, ADA),
                happening("b", "Buy", 40, ADA),
            ]
        )
        reality.now = EPOCH + 49 * DAY
        await reality.project()
        async with asking(reality) as asked:
            moments = {
                EPOCH - 1: None,
                EPOCH + DAY - 1: None,
                EPOCH + DAY: "searcher",
                EPOCH + 3 * DAY - 1: "searcher",
                EPOCH + 3 * DAY: None,
                EPOCH + 40 * DAY - 1: None,
                EPOCH + 40 * DAY: "buyer",
                EPOCH + 49 * DAY: "buyer",
                EPOCH + 49 * DAY + 1: None,
            }
            assert {at: (await asked.keys(ADA, as_of=at))[0] for at in moments} == moments
            assert await asked.keys(ADA) == ["buyer"]
            reality.now += 1
            assert await asked.keys(ADA) == [None]


async def test_an_event_that_is_a_few_minutes_ahead_has_happened(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([persona("visitor", 'seen("View", "P1D")')])
        await reality.record([happening("v", "View", 1, ADA)])
        reality.now = EPOCH + DAY - 60_000_000
        await reality.project()
        async with asking(reality) as asked:
            assert await asked.keys(ADA) == ["visitor"]
            assert await asked.keys(ADA, as_of=reality.now) == [None]


async def test_late_events_and_merges_count_from_when_they_occurred(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([SEARCHER])
        await reality.record([happening("v4", "View", 4, ADA)])
        reality.now = EPOCH + 5 * DAY
        await reality.project()
        async with asking(reality) as asked:
            assert await asked.keys(ADA) == [None]
            # What they looked at as a visitor is theirs once they log in.
            await reality.record([happening("v3", "View", 3, VISITOR)])
            await reality.project()
            assert await asked.keys(ADA) == [None]
            await reality.record([happening("i", "Identify", 5, ADA, VISITOR, kind="identify", verified=True)])
            await reality.project()
            [ada, visitor] = await asked.who(ADA, VISITOR)
            assert ada == visitor
            assert ada is not None
            assert [reason["events"] for reason in ada["because"]] == [["v4", "v3"]]
            # An order that is heard of late was an order all the same.
            await reality.record([happening("b1", "Buy", 1, VISITOR)])
            await reality.project()
            assert await asked.keys(ADA) == [None]


async def test_of_several_the_first_by_key_is_told(database_url: str) -> None:
    async with Reality(database_url) as reality:
        same = 'seen("View", "P9D")'
        nobody = persona("a-nobody", None)
        await reality.publish_personas(
            [persona("c", same), persona("b", "traits.plan == 1"), nobody, persona("a", same)]
        )
        await reality.record(
            [happening("v", "View", 1, ADA), happening("i", "I", 1, BOB, kind="identify", traits={"plan": 1})]
        )
        reality.now = EPOCH + DAY
        await reality.project()
        async with asking(reality) as asked:
            [ada, bob] = await asked.who(ADA, BOB)
        assert ada is not None
        assert bob is not None
        assert (ada["persona"], ada["fit"]) == ("a", 0.5)
        assert [(reason["text"], reason["events"]) for reason in ada["because"]] == [
            ('The rule of persona "a" holds: "View" occurred in the last 9 days.', ["v"]),
            ('The rule of persona "c" holds too: "View" occurred in the last 9 days.', ["v"]),
        ]
        assert (bob["persona"], bob["fit"]) == ("b", 1.0)
        assert [(reason["text"], reason["events"]) for reason in bob["because"]] == [
            ('The rule of persona "b" holds: what is known of the customer meets it.', [])
        ]


async def test_another_version_takes_the_place_of_the_one_before_for_all_of_history(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([persona("visitor", 'seen("View", "P9D")')])
        await reality.record([happening("v", "View", 1, ADA), happening("n", "Note", 2, BOB)])
        reality.now = EPOCH + 3 * DAY
        await reality.project()
        async with asking(reality) as asked:
            assert await asked.keys(ADA, BOB) == ["visitor", None]
            # Nobody had asked about notes when this one was logged.
            await reality.publish_personas([persona("visitor", 'seen("Note", "P9D")', version=2)])
            await reality.project()
            [ada, bob] = await asked.who(ADA, BOB)
            assert (ada, bob and bob["version"]) == (None, 2)
            assert await asked.keys(ADA, BOB, as_of=EPOCH + 2 * DAY) == [None, "visitor"]
            await reality.publish_personas([persona("visitor", None, version=3)])
            await reality.project()
            assert await asked.keys(ADA, BOB) == [None, None]


async def test_count_goes_up_to_a_thousand(database_url: str) -> None:
    async with Reality(database_url) as reality:
        rules = {"all": 'count("View", "P9D") == 1000', "more": 'count("View", "P9D") > 1000'}
        await reality.publish_personas([persona(key, rule) for key, rule in rules.items()])
        await reality.record([happening(f"v{n}", "View", n / 1_000, ADA) for n in range(1_005)])
        reality.now = EPOCH + 2 * DAY
        await reality.project()
        async with asking(reality) as asked:
            [ada] = await asked.who(ADA)
        assert ada is not None
        [reason] = ada["because"]
        assert reason["text"] == (
            'The rule of persona "all" holds: "View" occurred 1,000 times or more in the last 9 days.'
        )
        assert reason["events"] == [f"v{n}" for n in range(1_004, 984, -1)]


async def test_twenty_customers_cost_as_many_queries_as_one(database_url: str) -> None:
    async with Reality(database_url) as reality:
        await reality.publish_personas([SEARCHER, BUYER])
        people = [("user_id", f"u{number}") for number in range(20)]
        await reality.record([happening(f"v{one[1]}.{n}", "View", n, one) for one in people for n in (1, 2)])
        reality.now = EPOCH + 3 * DAY
        await reality.project()
        async with asking(reality) as asked:
            ids = await asked.customers(*people)
            costs = []
            for some in (ids[:1], ids, ids):
                with asked.statements() as statements:
                    found = await asked.ask("personas/of-customers", "assignments", None, customers=some)
                assert [one["persona"] for one in found] == ["searcher"] * len(some)
                costs.append(len(statements))
        # Published versions (once read), names still looked for, ids, customers, identifiers, and each of two names.
        assert costs == [8, 7, 7]
