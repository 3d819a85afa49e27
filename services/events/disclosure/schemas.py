"""How other services ask on behalf of a customer: as they ask for anybody, with the identifier that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from pydantic import Field

from services.events.changes.schemas import ChangeDocument
from services.events.disclosure.domain import Story
from services.events.identity.domain import Identifier
from services.events.identity.schemas import CustomersBody, FindBody, IdentifierBody, LedgersBody
from services.events.live.schemas import ExplainBody, InstanceDocument, OfCustomersBody, OfEventsBody, StepsBody
from services.events.personas.schemas import PersonasOfCustomersBody
from services.events.schemas import Body, Text
from services.events.timeline.entry import Entry
from services.events.timeline.schemas import EventDocument, EventsBody, TimelinesBody, event_document

MOST_AT_ONCE = 1_000

T = TypeVar("T")


class Told(Body):
    disclose_to: IdentifierBody

    @property
    def identifier(self) -> Identifier:
        return (self.disclose_to.type, self.disclose_to.value)


class ToldFindBody(Told, FindBody):
    pass


class ToldCustomersBody(Told, CustomersBody):
    pass


class ToldLedgersBody(Told, LedgersBody):
    pass


class ToldPersonasOfCustomersBody(Told, PersonasOfCustomersBody):
    pass


class ToldTimelinesBody(Told, TimelinesBody):
    pass


class ToldEventsBody(Told, EventsBody):
    pass


class ToldOfCustomersBody(Told, OfCustomersBody):
    pass


class ToldOfEventsBody(Told, OfEventsBody):
    pass


class ToldExplainBody(Told, ExplainBody):
    pass


class ToldStepsBody(Told, StepsBody):
    pass


class ToldFeedBody(Told):
    after: Text | None = None
    first: Annotated[int, Field(strict=True, ge=0, le=MOST_AT_ONCE)] = 100


class ToldChangeDocument(ChangeDocument):
    instance: InstanceDocument | None
    """As it is now."""


class ToldEventDocument(msgspec.Struct, rename="camel"):
    position: str
    id: str
    customer_id: str
    journeys: list[str]
    """Keys of the journeys of which an instance has taken it."""
    event: EventDocument


class ToldPage(msgspec.Struct, Generic[T], rename="camel"):
    """What is new of what may be told."""

    items: Sequence[T]
    next: str
    """The position behind them."""
    more: bool
    """Whether there may be more behind it already."""
    profiles: list[str]
    """Ids of the customer's identifiers: an event that names one of them may bring something new."""
    due_in: float | None
    """Seconds until silence alone may bring something new."""


def told_event_document(entry: Entry, story: Story) -> EventDocument:
    """Without the identifiers that are not the customer's: when others were first seen is theirs to know."""
    document = event_document(entry, story.named)
    document.identifiers = [one for one in document.identifiers if (one.type, one.value) in story.named]
    return document
