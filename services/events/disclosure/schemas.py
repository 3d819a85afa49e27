"""How other services ask on behalf of a customer: as they ask for anybody, with the identifier that is known."""

from __future__ import annotations

from services.events.identity.domain import Identifier
from services.events.identity.schemas import CustomersBody, FindBody, IdentifierBody, LedgersBody
from services.events.live.schemas import ExplainBody, OfCustomersBody, OfEventsBody, StepsBody
from services.events.personas.schemas import PersonasOfCustomersBody
from services.events.schemas import Body
from services.events.timeline.schemas import EventsBody, TimelinesBody


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
