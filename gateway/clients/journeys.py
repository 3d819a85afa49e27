"""The journeys service: the maps we believe in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gateway.clients.answers import Document, Page, read, read_each
from gateway.clients.models import Evidence, Listed, ModelKey, listing, segment
from gateway.vocabulary import DropOffReason, Language, ModelStatus, Reentry, Rung
from infra.chassis.upstream import Upstream

NAME = "journeys"
_AUTHORING_SECONDS = 20.0
"""The largest journey that may be saved takes a quarter of that to check."""
_LADDER = list(Rung)


class LaneItem(Document):
    lists = ("evidence",)

    lane: str
    text: str
    evidence: list[Evidence] | None = None

    @property
    def rung(self) -> Rung:
        """The highest rung of its evidence; without any it is an assumption."""
        rungs = [item.rung for item in self.evidence or ()]
        return max(rungs, key=_LADDER.index, default=Rung.ASSUMPTION)


class Touchpoint(Document):
    lists = ("lanes",)

    key: str
    name: str
    recognised_by: str
    channel: str = "any"
    owner: str | None = None
    claimed_emotion: float | None = None
    moment_of_truth: bool = False
    lanes: list[LaneItem] | None = None


class Means(Document):
    lists = ("personas",)

    key: str
    name: str
    channel: str | None = None
    personas: list[str] | None = None
    content: Any = None


class OutsideFigure(Document):
    name: str
    value: float
    source: str
    date: str
    unit: str | None = None


class Phase(Document):
    lists = ("touchpoints", "means", "lanes", "outside_figures")

    key: str
    name: str
    customer_goal: str | None = None
    expectation: str | None = None
    mandatory: bool = True
    patience: str | None = None
    touchpoints: list[Touchpoint] | None = None
    means: list[Means] | None = None
    lanes: list[LaneItem] | None = None
    outside_figures: list[OutsideFigure] | None = None


class DropOffRule(Document):
    reason: DropOffReason
    when: str


class Hypothesis(Document):
    key: str
    statement: str
    measure: str
    claim: float


class Journey(Document):
    lists = ("personas", "phases", "drop_off_reasons", "hypotheses")

    key: str
    name: str
    revision: int
    status: ModelStatus
    version: int | None = None
    effective_from: str | None = None
    effective_until: str | None = None
    customer_goal: str | None = None
    personas: list[str] | None = None
    phases: list[Phase] | None = None
    starts_when: str | None = None
    goal: str | None = None
    cancelled_when: str | None = None
    returned_when: str | None = None
    paused_when: str | None = None
    resumed_when: str | None = None
    scope: str | None = None
    instance_key: str | None = None
    patience: str = "P30D"
    pause_patience: str = "P90D"
    reentry: Reentry = Reentry.ALWAYS
    restart_allowed: bool = False
    drop_off_reasons: list[DropOffRule] | None = None
    hypotheses: list[Hypothesis] | None = None


class Remark(Document):
    """A warning about a draft, or a flaw in it."""

    code: str
    message: str
    path: list[str | int] | None = None
    line: int | None = None
    column: int | None = None


class Saved(Document):
    lists = ("warnings",)

    journey: Journey
    warnings: list[Remark] | None = None


class Published(Document):
    journey: Journey
    pending: bool


class Template(Document):
    """`journey` is a JourneyInput."""

    key: str
    name: str
    description: str
    language: Language
    journey: Any


class _Templates(Document):
    templates: list[Template]


class JourneysClient:
    """Calls on behalf of one workspace. Every method raises the service's Problem, or Unavailable."""

    audience: ClassVar[str] = NAME

    def __init__(self, upstream: Upstream, token: str) -> None:
        self._upstream = upstream
        self._token = token

    async def save(self, key: str, draft: dict[str, Any]) -> Saved:
        path = f"/internal/journeys/{segment(key)}/draft"
        return read(await self._call("PUT", path, draft, _AUTHORING_SECONDS), Saved, NAME)

    async def publish(self, key: str, effective_from: str | None) -> Published:
        path, body = f"/internal/journeys/{segment(key)}/publish", {"effectiveFrom": effective_from}
        return read(await self._call("POST", path, body, _AUTHORING_SECONDS), Published, NAME)

    async def create_from_template(self, template: str, key: str, name: str, language: Language) -> Saved:
        body = {"template": template, "key": key, "name": name, "language": language.value}
        return read(await self._call("POST", "/internal/journeys/from-template", body, _AUTHORING_SECONDS), Saved, NAME)

    async def templates(self, language: Language) -> list[Template]:
        answer = await self._call("GET", "/internal/journey-templates", query={"language": language.value})
        return read(answer, _Templates, NAME).templates

    async def page(self, first: int, after: str | None, status: ModelStatus | None) -> Page[Journey]:
        """By key. Raises BadRequest (BAD_CURSOR)."""
        answer = await self._call("GET", "/internal/journeys", query=listing(first, after, status))
        return read(answer, Listed[Journey], NAME).page(after)

    async def read(self, keys: Sequence[ModelKey]) -> list[Journey | None]:
        answer = await self._call("POST", "/internal/journeys/read", {"items": [key._asdict() for key in keys]})
        return read_each(answer, "journeys", Journey, NAME, keys)

    async def versions(self, keys: Sequence[str]) -> list[list[Journey] | None]:
        """Of each journey the draft and all versions, newest first."""
        answer = await self._call("POST", "/internal/journeys/versions", {"keys": keys})
        return read_each(answer, "versions", list[Journey], NAME, keys)

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        within: float | None = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        return await self._upstream.call(method, path, token=self._token, body=body, query=query, within=within)
