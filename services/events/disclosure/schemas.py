"""How other services ask on behalf of a customer: as they ask for anybody, with the identifier that is known."""

from __future__ import annotations

from services.events.disclosure.domain import Story
from services.events.identity.domain import Identifier
from services.events.identity.schemas import CustomersBody, FindBody, IdentifierBody
from services.events.live.schemas import ExplainBody, OfCustomersBody, OfEventsBody, StepsBody
from services.events.schemas import Body
from services.events.timeline.entry import Entry
from services.events.timeline.schemas import EventDocument, EventsBody, TimelinesBody, event_document


class Told(Body):
    disclose_to: IdentifierBody

    @property
    def identifier(self) -> Identifier:
        return (self.disclose_to.type, self.disclose_to.value)


class ToldFindBody(Told, FindBody):
    pass


class ToldCustomersBody(Told, CustomersBody):
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


def told_event_document(entry: Entry, story: Story) -> EventDocument:
    """Without the identifiers that are not the customer's: when others were first seen is theirs to know."""
    document = event_document(entry, story.named)
    document.identifiers = [one for one in document.identifiers if (one.type, one.value) in story.named]
    return document
