"""The wire shapes: PersonaInput of the GraphQL contract as it comes in, and persona documents as they go out."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, StringConstraints

from infra.chassis.versioned import shapes
from infra.chassis.versioned.shapes import Counted, Drafted, Moment, Name, Number, Prose, Shape, Stored
from infra.chassis.versioned.store import Draft, Version
from services.personas import domain

_ITEM_LISTS = ("goals", "drives", "challenges", "responsibilities", "pains", "delights", "situations")

RuleText = Annotated[str, StringConstraints(max_length=10_000)]
ItemText = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Address = Annotated[str, StringConstraints(max_length=2_048)]
Weight = Annotated[Number, Field(ge=0, le=1)]

Rung = Literal["ASSUMPTION", "STAFF_BRAINSTORM", "CUSTOMER_WORKSHOP", "CUSTOMER_DRAWN", "RESEARCH"]


class EvidenceInput(Shape):
    """What something is based on. It tells of groups of people, and names nobody."""

    rung: Rung
    kind: Name
    summary: Prose
    date: Moment | None = None
    sample_size: Counted | None = None
    url: Address | None = None


Evidence = Annotated[list[EvidenceInput], Field(max_length=50)]


class PersonaItemInput(Shape):
    text: ItemText
    evidence: Evidence = []


class PersonaItem(PersonaItemInput):
    rung: Rung


class ChannelPreference(Shape):
    """`weight`: from 0, never there, to 1, there before anywhere else; each channel is weighed by itself."""

    channel: Name
    weight: Weight


Item = TypeVar("Item", bound=PersonaItemInput)


class PersonaModel(Drafted, Generic[Item]):
    """What a draft and its versions keep: PersonaInput without the guard of the save."""

    name: Name
    narrative: Prose | None = None
    portrait: Address | None = None
    goals: Annotated[list[Item], Field(max_length=50)] = []
    real_goal: Item | None = None
    drives: Annotated[list[Item], Field(max_length=50)] = []
    challenges: Annotated[list[Item], Field(max_length=50)] = []
    responsibilities: Annotated[list[Item], Field(max_length=50)] = []
    pains: Annotated[list[Item], Field(max_length=50)] = []
    delights: Annotated[list[Item], Field(max_length=50)] = []
    situations: Annotated[list[Item], Field(max_length=50)] = []
    media_preferences: Annotated[list[ChannelPreference], Field(max_length=50)] = []
    matches: RuleText | None = None
    evidence: Evidence = []

    def judged(self) -> domain.Persona:
        """The parts that the domain judges."""
        channels = tuple(one.channel for one in self.media_preferences)
        return domain.Persona(self.matches, channels, len(self.document().encode()))


class PersonaInput(PersonaModel[PersonaItemInput]):
    base_revision: Counted | None = None


class PersonaDocument(PersonaModel[PersonaItem], Stored):
    """A draft or a version as it is read, with what follows from its evidence."""

    confidence: Rung


class SavedPersona(Shape):
    persona: PersonaDocument


class PublishedVersion(SavedPersona):
    pending: bool
    """Whether events has not taken the version up yet."""


class PersonasRead(Shape):
    personas: list[PersonaDocument | None]


class Personas(Shape):
    personas: list[PersonaDocument]


class PersonaVersions(Shape):
    versions: list[list[PersonaDocument]]


class PersonasPage(Shape):
    items: list[PersonaDocument]
    has_next_page: bool
    total_count: int


def as_document(stored: Draft | Version) -> dict[str, Any]:
    """A stored draft or version as a persona document."""
    document = shapes.as_document(stored)
    items = [item for name in _ITEM_LISTS for item in document[name]]
    if document["realGoal"] is not None:
        items.append(document["realGoal"])
    for item in items:
        item["rung"] = _rung(item)
    document["confidence"] = domain.confidence(_rung(document), [item["rung"] for item in items])
    return document


def _rung(supported: dict[str, Any]) -> domain.Rung:
    return domain.rung(domain.Rung(evidence["rung"]) for evidence in supported["evidence"])
