"""Random journeys and histories from small alphabets, so that collisions, ties and exact deadlines are common.

Times are multiples of half a day and so is every patience: an event often falls exactly on a deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.histories import DAY, EPOCH, plain_event

Json = dict[str, Any]

HALF_DAY = DAY // 2

# A-D are what touchpoints like, G goals, X cancellations, R returns, P pauses, Q resumptions, S scopes, Z nobody
_NAMES = st.sampled_from("AAAABBBBCCCDGGGXXRRPPQSZ")
_ENDINGS = st.sampled_from("AABGGGXRRRP")
_ANY_KEY = st.sampled_from(["k", "k", "k", "l", "l", 7, 7.0, "7", 0.1, 1e-7, 1e22, -0.0, "", True, None, [1]])
_DURATIONS = st.sampled_from(["PT12H", "P1D", "PT36H", "P2D", "P3D", "P4D", "P5DT12H", "P1W"])

_TOUCHPOINT_RULES = st.sampled_from(
    [
        'name == "A"',
        'name == "A"',
        'name == "B"',
        'name == "C"',
        'name == "D"',
        'name == "G"',
        'name in ["A", "B"]',
        'name in ["B", "G", "X"]',
        'name in ["C", "R"]',
        'name in ["P", "Q"]',
        'name == "B" && channel == "web"',
        '(name == "A" || name == "D") && !has(properties.a)',
        "properties.a == 1",
        'properties.a >= 2 && !(channel == "web")',
        'kind == "page"',
    ]
)
_GOALS = st.sampled_from(['name == "G"', 'name == "G"', 'name == "G"', 'name in ["C", "G"]', "properties.a > 1"])
_CANCELLED = st.sampled_from(
    [None, 'name == "X"', 'name == "X"', 'name in ["X", "R"]', 'name == "X" && properties.a != 1']
)
_RETURNED = st.sampled_from([None, 'name == "R"', 'name == "R"', 'name in ["R", "X"]', 'name in ["R", "B"]'])
_PAUSED = st.sampled_from([None, 'name == "P"', 'name == "P"', 'name in ["P", "B"]'])
_RESUMED = st.sampled_from([None, 'name == "Q"', 'name in ["Q", "P"]'])
_SCOPES = st.sampled_from([None, 'name in ["S", "Q"]', "has(properties.a)", "true"])
_STARTS = st.sampled_from([None, None, None, 'name in ["A", "G"]', "!(properties.a == 1)", 'channel != "web"'])
_REASONS = st.sampled_from(["EXTRA_COST", "PAYMENT_OPTIONS", "OTHER", "PAUSED"])
_REASON_RULES = st.sampled_from(
    ['name == "A"', 'name == "S"', 'name in ["P", "X"]', "properties.a == 2", 'name == "R"']
)


@dataclass(frozen=True)
class Case:
    """One question to both readings."""

    journeys: list[Json]
    events: list[Json]
    now: int


def moments(last: int) -> st.SearchStrategy[int]:
    """Multiples of half a day from day 0 on."""
    return st.integers(0, last).map(lambda half_days: EPOCH + half_days * HALF_DAY)


@st.composite
def events(
    draw: st.DrawFn,
    keys: st.SearchStrategy[Any] = _ANY_KEY,
    last: int = 18,
    names: st.SearchStrategy[str] = _NAMES,
) -> list[Json]:
    """Up to fourteen events in any order, with unique (source, message id) as in every history."""
    numbers = draw(st.permutations(range(14)))[: draw(st.integers(0, 14))]
    return [draw(_event(draw(st.sampled_from(["app", "shop"])), f"m{number}", keys, last, names)) for number in numbers]


@st.composite
def _event(
    draw: st.DrawFn,
    source: str,
    message_id: str,
    keys: st.SearchStrategy[Any],
    last: int,
    names: st.SearchStrategy[str],
) -> Json:
    properties: Json = {}
    if draw(st.booleans()):
        properties["order_id"] = draw(keys)
    if draw(st.integers(0, 2)) == 0:
        properties["a"] = draw(st.sampled_from([1, 2, 2.0, "1", None]))
    sequence = draw(st.sampled_from([None, None, None, 0, 1, -1]))
    context = {"sequence": draw(st.integers(-1, 1))} if draw(st.integers(0, 4)) == 0 else {}
    return plain_event(
        message_id,
        draw(names),
        draw(moments(last)),
        source=source,
        kind=draw(st.sampled_from(["track"] * 5 + ["page", "screen", "identify", "alias", "group"])),
        channel=draw(st.sampled_from([None, "web", "shop"])),
        sequence=sequence,
        properties=properties,
        context=context,
    )


@st.composite
def journeys(draw: st.DrawFn) -> list[Json]:
    """One to three published versions; half of the time they agree about key, cancellation and return.

    Where they do not, each instance reads an event by its own version.
    """
    return _published(draw, [draw(_journey()) for _ in range(draw(st.sampled_from([1, 1, 2, 3])))])


def _published(draw: st.DrawFn, drafts: list[Json]) -> list[Json]:
    if draw(st.booleans()):
        reach = {name: drafts[0][name] for name in ("instanceKey", "cancelledWhen", "returnedWhen")}
        drafts = [draft | reach for draft in drafts]
    return [
        draft
        | {
            "version": number,
            "publishedAt": _rfc3339(EPOCH + (20 + number) * DAY),
            "effectiveFrom": draw(_effective_from) if number > 1 else None,
        }
        for number, draft in enumerate(drafts, 1)
    ]


@st.composite
def _journey(draw: st.DrawFn) -> Json:
    phases = [_phase(number, draw) for number in range(draw(st.sampled_from([1, 2, 3, 3, 4])))]
    journey: Json = {
        "key": "j",
        "name": "J",
        "phases": phases,
        "goal": draw(_GOALS),
        "startsWhen": draw(_STARTS),
        "cancelledWhen": draw(_CANCELLED),
        "returnedWhen": draw(_RETURNED),
        "pausedWhen": draw(_PAUSED),
        "resumedWhen": draw(_RESUMED),
        "scope": draw(_SCOPES),
        "instanceKey": draw(st.sampled_from([None, "properties.order_id", "properties.order_id"])),
        "patience": draw(_DURATIONS),
        "dropOffReasons": [
            {"reason": draw(_REASONS), "when": draw(_REASON_RULES)} for _ in range(draw(st.integers(0, 2)))
        ],
    }
    optional = {
        "pausePatience": draw(st.none() | _DURATIONS),
        "reentry": draw(st.sampled_from([None, "ALWAYS", "AFTER_END", "NEVER"])),
    }
    return journey | {name: value for name, value in optional.items() if value is not None}


@st.composite
def _orders_journey(draw: st.DrawFn) -> Json:
    """A shop of two orders: phases A, then B and G, then C and D; only the details are random."""
    phases = [_phase(number, draw, rules) for number, rules in enumerate((["A"], ["B", "G"], ["C", "D"]))]
    return draw(_journey()) | {
        "phases": phases,
        "goal": 'name == "G"',
        "cancelledWhen": draw(st.sampled_from(['name == "X"', 'name in ["X", "R"]'])),
        "returnedWhen": draw(st.sampled_from(['name == "R"', 'name in ["R", "X"]'])),
        "startsWhen": None,
        "instanceKey": "properties.order_id",
        "patience": draw(st.sampled_from(["P2D", "P4D", "P1W"])),
        "version": 1,
        "publishedAt": _rfc3339(EPOCH),
        "effectiveFrom": None,
    }


@st.composite
def _impatient_journeys(draw: st.DrawFn) -> list[Json]:
    """Runs are closed soon, and much later may still be cancelled or returned, or keep others from starting."""
    drafts = [
        draw(_journey())
        | {
            "phases": [_phase(0, draw, ["A", "B"]) | {"patience": None}, _phase(1, draw, ["G"]) | {"patience": None}],
            "goal": 'name == "G"',
            "cancelledWhen": draw(st.sampled_from([None, 'name == "X"'])),
            "returnedWhen": draw(st.sampled_from([None, 'name == "R"', 'name == "R"'])),
            "startsWhen": None,
            "patience": draw(st.sampled_from(["PT12H", "PT12H", "P1D", "P2D"])),
            "pausePatience": "P1D",
            "reentry": draw(st.sampled_from(["ALWAYS", "NEVER", "NEVER"])),
        }
        for _ in range(draw(st.sampled_from([1, 1, 2])))
    ]
    return _published(draw, drafts)


def _phase(number: int, draw: st.DrawFn, names: list[str] | None = None) -> Json:
    rules = [f'name == "{name}"' for name in names or []]
    rules = rules or draw(st.lists(_TOUCHPOINT_RULES, min_size=1, max_size=3))
    phase: Json = {
        "key": f"p{number}",
        "name": f"P{number}",
        "touchpoints": [
            {"key": f"t{number}{place}", "name": "T", "recognisedBy": rule} for place, rule in enumerate(rules)
        ],
    }
    if draw(st.booleans()):
        phase["mandatory"] = draw(st.booleans())
    if draw(st.integers(0, 2)) == 0:
        phase["patience"] = draw(_DURATIONS)
    return phase


def _rfc3339(moment: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment)).isoformat()


_effective_from = st.one_of(st.none(), *[moments(18).map(_rfc3339)] * 3)


def cases() -> st.SearchStrategy[Case]:
    """Anything at all, or several orders at once, where keys meet; `now` may lie before the last event.

    Or runs that end one after the other, and events that reach those that have.
    """
    anything = st.builds(Case, journeys(), events(), moments(32))
    orders = st.builds(
        Case, st.tuples(_orders_journey()).map(list), events(st.sampled_from(["k", "l"]), last=10), moments(20)
    )
    return anything | orders | impatient_cases()


def impatient_cases() -> st.SearchStrategy[Case]:
    """Only the last sort of `cases`."""
    ends = events(st.sampled_from(["k", "k", "l", "m"]), names=_ENDINGS)
    return st.builds(Case, _impatient_journeys(), ends, moments(20))
