"""How other services ask for the past: as they ask for today, with a moment."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from infra.chassis.clock import from_datetime
from services.events.identity.schemas import CustomersBody, FindBody, LedgersBody
from services.events.live.schemas import OfCustomersBody, OfEventsBody
from services.events.paging import MOST
from services.events.personas.schemas import PersonasOfCustomersBody
from services.events.schemas import Body, Cursor, First, Text
from services.events.timeline.domain import Microseconds, first_key_at
from services.events.timeline.schemas import EventsBody, TimelinesBody


class AsOf(Body):
    as_of: AwareDatetime

    @property
    def moment(self) -> Microseconds:
        return from_datetime(self.as_of)

    @property
    def bound(self) -> bytes:
        """The history keys of what had occurred by then are below it."""
        return first_key_at(self.moment + 1)


class PastFindBody(AsOf, FindBody):
    pass


class PastCustomersBody(AsOf, CustomersBody):
    pass


class PastLedgersBody(AsOf, LedgersBody):
    pass


class PastPersonasOfCustomersBody(AsOf, PersonasOfCustomersBody):
    pass


class PastTimelinesBody(AsOf, TimelinesBody):
    pass


class PastEventsBody(AsOf, EventsBody):
    pass


class PastOfCustomersBody(AsOf, OfCustomersBody):
    pass


class PastOfEventsBody(AsOf, OfEventsBody):
    pass


class RunBody(Body):
    """An instance, and the customer out of whose history it is folded."""

    customer: Text
    instance: Text


class PastExplainBody(AsOf):
    instances: Annotated[list[RunBody], Field(max_length=MOST)]


class PastStepsBody(AsOf):
    instances: Annotated[list[RunBody], Field(max_length=MOST)]
    first: First = 50
    after: Cursor = None
