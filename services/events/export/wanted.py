"""Which part of what there is an export holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from infra.chassis.errors import BadRequest
from services.events.intake.domain.moments import read_moment
from services.events.intake.domain.values import Refusal
from services.events.intake.requests import parameter
from services.events.timeline.domain import Microseconds


class Wanted(NamedTuple):
    """None lets everything pass."""

    journey: str | None = None
    since: Microseconds | None = None
    before: Microseconds | None = None

    def includes(self, moment: Microseconds) -> bool:
        return (self.since is None or moment >= self.since) and (self.before is None or moment < self.before)


ALL = Wanted()


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """`journey`, `from` and `to`. Raises BadRequest for anything else: nobody should think that it was heeded."""
    unknown = query.keys() - {"journey", "from", "to"}
    if unknown:
        raise BadRequest(f"An export is asked for by `journey`, `from` and `to`, not by {sorted(unknown)[0]!r}.")
    return Wanted(parameter(query, "journey"), _moment(query, "from"), _moment(query, "to"))


def _moment(query: Mapping[str, str], name: str) -> Microseconds | None:
    try:
        return read_moment(query.get(name), (name,))
    except Refusal as refusal:
        raise BadRequest(f"`{name}`: {refusal.message}", code=refusal.code) from refusal
