"""What the board shows, and how it changes by what the platform tells. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from infra.demo.shop import OPENS
from infra.demo.telling import DAY, HOUR, MINUTE

Json = dict[str, Any]
_SHARE_WITH_REASON = "share with reason "
_CHANGES = 6
_LOST = ("ABANDONED", "CANCELLED", "RETURNED")


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    reached: int
    dropped: int


@dataclass(frozen=True, slots=True)
class DropOff:
    phase: str
    reason: str
    device: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Belief:
    """Something the map claims, and what is seen of it."""

    statement: str
    claimed: float
    seen: float | None
    """None while nobody has left."""
    n: int


@dataclass(slots=True)
class JourneyView:
    """One journey as it is read and then followed; `document` has its names and beliefs."""

    document: Json
    insights: Json

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def instances(self) -> int:
        return int(self.insights["instances"])

    @property
    def statuses(self) -> dict[str, int]:
        return {one["status"]: one["count"] for one in self.insights["byStatus"]}

    @property
    def phases(self) -> list[Phase]:
        names = {phase["key"]: phase["name"] for phase in self.document["phases"]}
        steps = self.insights["funnel"]
        return [Phase(names.get(step["phase"], step["phase"]), step["reached"], step["dropped"]) for step in steps]

    @property
    def flows(self) -> list[tuple[str, str, int]]:
        """From one touchpoint to another, the most travelled first; beginnings, ends and repetitions left out."""
        found = [(edge["from"], edge["to"], edge["count"]) for edge in self.insights["flow"]["edges"]]
        return [
            (origin, to, count)
            for origin, to, count in found
            if origin not in ("START", to) and not to.startswith("END:")
        ]

    @property
    def drop_offs(self) -> list[DropOff]:
        """The most frequent first."""
        names = {phase["key"]: phase["name"] for phase in self.document["phases"]}
        return [
            DropOff(names.get(one["phase"], one["phase"]), one["reason"], one["device"], one["count"])
            for one in self.insights["dropOffs"]
        ]

    @property
    def beliefs(self) -> list[Belief]:
        """Those about why people leave, because drop-offs can be counted here."""
        lost = sum(count for status, count in self.statuses.items() if status in _LOST)
        found = []
        for hypothesis in self.document["hypotheses"]:
            if hypothesis["measure"].startswith(_SHARE_WITH_REASON):
                reason = hypothesis["measure"].removeprefix(_SHARE_WITH_REASON)
                count = sum(drop.count for drop in self.drop_offs if drop.reason == reason)
                seen = count / lost if lost else None
                found.append(Belief(hypothesis["statement"], hypothesis["claim"], seen, lost))
        return found


@dataclass(slots=True)
class Scene:
    """All that is shown."""

    journeys: dict[str, JourneyView]
    speed: float
    elapsed: float = 0.0
    """Seconds that have passed in the shop since the demo began."""
    sent: int = 0
    refused: int = 0
    trouble: str = ""
    """Why nothing can be shown at the moment."""
    changes: deque[str] = field(default_factory=lambda: deque(maxlen=_CHANGES))
    """The latest first."""

    @property
    def clock(self) -> str:
        """The day and time in the shop; day 1 is when the demo began."""
        day, second = divmod(int(self.elapsed) + OPENS * HOUR, DAY)
        return f"day {day + 1}, {second // HOUR:02}:{second // MINUTE % 60:02}"

    def hears_insights(self, journey: str, insights: Json) -> None:
        self.journeys[journey].insights = insights

    def hears_change(self, journey: str, change: Json) -> None:
        """What is told of an instance is where it stands now. Corrections are left to the insights."""
        instance = change["instance"]
        if instance is None or change["correction"]:
            return
        what = "is" if instance["status"] == "ACTIVE" else _words(instance["status"])
        phase = (instance["phase"] or {}).get("name", "no phase")
        reason = (instance["dropOff"] or {}).get("reason")
        why = f": {_words(reason)}" if reason else ""
        told = f"{self.journeys[journey].name}: {_who(instance['customer'])} {what} in {phase}{why}"
        if told not in self.changes:  # of several changes at once each shows the last state
            self.changes.appendleft(told)


def _who(customer: Json | None) -> str:
    """The user id, else whatever the customer is known by."""
    known = {one["type"]: one["value"] for one in reversed(customer["identifiers"])} if customer else {}
    return str(known.get("user_id") or next(iter(known.values()), "somebody"))


def _words(reason: str) -> str:
    return reason.lower().replace("_", " ")
