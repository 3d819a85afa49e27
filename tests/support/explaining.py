"""Explanations of plain histories, and those of the product's readings that a truth test needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.events.explanation import Explanation
from services.events.live.domain import JourneyVersion, Schedule, compile_version
from services.events.live.domain.explain import explain
from services.events.live.domain.model import Model
from services.events.live.past.folding import folded
from services.events.timeline.entry import Entry
from tests.support.recording import recorded

Json = dict[str, Any]


class Explained(NamedTuple):
    """An instance, by its run, with why it stands as it does; events are named by their message ids."""

    run: int
    explanations: list[Explanation]

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.explanations]

    def about(self, words: str) -> Explanation:
        """The one explanation that says these words."""
        [found] = [one for one in self.explanations if words in one.text]
        return found


def explained(journeys: list[Json], events: list[Json], now: int) -> list[Explained]:
    """The instances of one customer, in order of run, under the versions of one journey."""
    anybody: Json = {"identifiers": [], "verified": False}
    entries = [Entry.of(1, slot, recorded(anybody | event)) for slot, event in enumerate(events)]
    versions = [compile_version(journey) for journey in journeys]
    past = folded({"j": Schedule("j", versions)}, b"secret", b"customer", entries, now)
    models = _models(journeys, versions)
    known = {entry.id: entry for entry in entries}
    found = []
    for instance in past.instances:
        standing = past.standing(instance)
        assert standing is not None
        needed = {id: known[id] for id in standing.events}
        told = [
            one._replace(events=tuple(known[id].message_id for id in one.events))
            for one in explain(standing, models, needed)
        ]
        found.append(Explained(standing.run, told))
    return sorted(found, key=lambda one: one.run)


def _models(journeys: list[Json], versions: list[JourneyVersion]) -> dict[int, Model]:
    return {version.number: Model(journey, version) for journey, version in zip(journeys, versions, strict=True)}
