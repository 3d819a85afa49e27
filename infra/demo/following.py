"""What the platform says of the shop's journeys: read once, and then told as it changes."""

from __future__ import annotations

from contextlib import aclosing

from infra.demo.maps import JOURNEYS
from infra.demo.platform import Platform, Subscription
from infra.demo.scene import JourneyView, Scene

_INSIGHTS = """
fragment shown on Insights {
  instances byStatus { status count } funnel { phase reached dropped }
  flow { edges { from to count } } dropOffs { phase reason device count }
}
"""
_READ = (
    """
query($key: String!) {
  journey(key: $key) { name phases { key name } hypotheses { statement measure claim } insights { ...shown } }
}
"""
    + _INSIGHTS
)
_FOLLOW = "subscription($key: String!) { insightsChanged(journey: $key) { ...shown } }" + _INSIGHTS
_CHANGES = """
subscription($key: String!) {
  instanceChanged(journey: $key) {
    correction instance { status phase { name } dropOff { reason } customer { identifiers { type value } } }
  }
}
"""
_PROJECTION = "{ projection { logged lag } }"


async def read_journeys(platform: Platform) -> dict[str, JourneyView]:
    """Raises Problem."""
    found = {}
    for key in JOURNEYS:
        document = (await platform.graphql(_READ, key=key))["journey"]
        found[key] = JourneyView(document, document.pop("insights"))
    return found


async def follow(platform: Platform, scene: Scene) -> None:
    """Keeps the scene as the platform tells it, for ever. Raises Problem."""
    asked = {f"insights {key}": Subscription(_FOLLOW, {"key": key}) for key in JOURNEYS}
    asked |= {f"changes {key}": Subscription(_CHANGES, {"key": key}) for key in JOURNEYS}
    async with aclosing(platform.follow(asked)) as told:
        async for name, data in told:
            kind, _, journey = name.partition(" ")
            if kind == "insights":
                scene.hears_insights(journey, data["insightsChanged"])
            else:
                scene.hears_change(journey, data["instanceChanged"])


async def lag_of(platform: Platform) -> tuple[int, int]:
    """How many entries the log has, and how many of them cannot be read yet. Raises Problem."""
    found = (await platform.graphql(_PROJECTION))["projection"]
    return found["logged"], found["lag"]
