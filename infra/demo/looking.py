"""What there is to see, each with a query that shows it. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from infra.demo.calendar import Simulation
from infra.demo.facts import Ordered
from infra.demo.maps import BUYING, CHECKOUT


class Sight(NamedTuple):
    what: str
    query: str

    def command(self, url: str) -> str:
        """For a shell in which KEY is the admin key."""
        body = shlex.quote(json.dumps({"query": self.query}))
        return (
            f'curl -s {shlex.quote(f"{url}/graphql")} -H "Authorization: Bearer $KEY"'
            f" -H 'Content-Type: application/json' -d {body}"
        )


SIGHTS = (
    Sight(
        "People on phones leave the checkout when they see what delivery costs; on laptops they do not.",
        f'{{ journey(key: "{CHECKOUT}") {{ insights {{ dropOffs {{ phase reason device count }} }} }} }}',
    ),
    Sight(
        "The map says four in ten of those who leave miss their way to pay. Count for yourself.",
        f'{{ journey(key: "{CHECKOUT}") {{ hypotheses {{ statement claim }} insights {{ byStatus {{ status count }}'
        " dropOffs { reason count } } } }",
    ),
    Sight(
        "Many look on the web and then go to the store: the hop from web to shop.",
        f'{{ journey(key: "{BUYING}") {{ insights {{ hops(by: CHANNEL) {{ from to count }} }} }} }}',
    ),
    Sight(
        "Returns, and why: mostly shoes that do not fit.",
        f'{{ instances(first: 3, where: {{journey: "{BUYING}", status: [RETURNED]}}) {{ edges {{ node {{'
        " key dropOff { reason evidence { properties } } explain { text } } } } }",
    ),
)


def sights(simulation: Simulation) -> Iterator[Sight]:
    """What every run shows, and one customer of this one."""
    yield from SIGHTS
    key = _traveller(simulation)
    if key is not None:
        yield Sight(
            "One customer on two devices: anonymous on the first, logged in on the second, one history.",
            f'{{ customer(identifier: {{type: "user_id", value: "{key}"}}) {{ identifiers {{ type value }}'
            " persona { personaKey because { text } } instances { edges { node { journeyKey status phase { name } } } }"
            " timeline { edges { node { occurredAt channel device name } } } } }",
        )


def _traveller(simulation: Simulation) -> str | None:
    """Somebody of history who looked on one device and ordered on another."""
    for visits in simulation.lives:
        calls = [call for visit in visits for call in visit.calls]
        browsers = {call.body["anonymousId"] for call in calls if "anonymousId" in call.body}
        ordered = any(isinstance(fact, Ordered) for visit in visits for fact in visit.facts)
        if len(browsers) > 1 and ordered and simulation.is_history(visits[-1]):
            return next(str(call.body["userId"]) for call in calls if "userId" in call.body)
    return None
