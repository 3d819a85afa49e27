"""What more rules cost: the same events and the same matches on a map of 30 rules and on maps of 1,000."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tests.benchmarks import folding
from tests.benchmarks.folding import Builds, builds_of, decode, some_customers, timed
from tests.benchmarks.histories import Json, Packed, chairs, packed
from tests.benchmarks.measuring import Bench, Figure, at_most, figure, interleaved

TITLE = "1,000 rules against 30, one core, CPU time"
_FEW, _MANY = 30, 1_000
_TARGET = 1.5


class _Round(NamedTuple):
    """Microseconds for each event."""

    rules: float
    fold: float


async def measure(bench: Bench) -> list[Figure]:
    log = packed(some_customers())
    few = f"{_FEW} rules"
    further = {
        f"{_MANY:,} rules": _of_other_names,
        f"{_MANY:,} rules, all of names that occur": _of_names_that_occur,
        f"{_MANY:,} rules that ask for no name": _of_any_name,
    }
    maps = {few: _map(_FEW, _of_other_names), **{name: _map(_MANY, more) for name, more in further.items()}}

    async def measured(builds: Builds, _number: int) -> _Round:
        return _measured(log, builds)

    rounds = await interleaved(bench, {name: partial(measured, builds) for name, builds in maps.items()})
    figures = []
    for place, name in enumerate(further):
        paired = list(zip(rounds[name], rounds[few], strict=True))
        target = at_most(_TARGET) if place == 0 else None
        figures += [
            figure(f"{name} against {few}: the rules", "x", (one.rules / other.rules for one, other in paired), target),
            figure(
                f"{name} against {few}: the whole fold", "x", (one.fold / other.fold for one, other in paired), target
            ),
        ]
    for name in maps:
        figures.append(figure(f"the rules an event, {name}", "µs", (one.rules for one in rounds[name])))
    return figures


def _measured(log: Packed, builds: Builds) -> _Round:
    """What entries have read lazily stays with them, so both have fresh ones."""
    _, rules = timed(partial(folding.recognise, decode(log), builds))
    _, fold = timed(partial(folding.fold, decode(log), builds))
    return _Round(rules / log.events * 1e6, fold / log.events * 1e6)


def _map(rules: int, further: Callable[[int, str], str]) -> Builds:
    """The chairs, with so many rules in all: the further ones match nothing."""
    journey = chairs(1, None)
    names = [touchpoint["name"] for phase in journey["phases"] for touchpoint in phase["touchpoints"]]
    for number in range(rules - len(names)):
        phase: Json = journey["phases"][number % len(journey["phases"])]
        rule = further(number, names[number % len(names)])
        phase["touchpoints"].append({"key": f"sofa-{number}", "name": f"Sofa {number}", "recognisedBy": rule})
    return builds_of([journey])


def _of_other_names(number: int, _name: str) -> str:
    rule = f'name == "Sofa {number} Viewed"'
    return f'{rule} && properties.path.startsWith("/shop")' if number % 2 else rule


def _of_names_that_occur(number: int, name: str) -> str:
    return f'name == "{name}" && properties.path.startsWith("/shop/sofas/{number}")'


def _of_any_name(number: int, _name: str) -> str:
    return f'properties.product_id == "sofa-{number}"'
