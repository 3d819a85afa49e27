"""Before the first customer comes: the shop's sources, personas and journeys are declared, once."""

from __future__ import annotations

from typing import NamedTuple

from infra.chassis.clock import to_rfc3339
from infra.demo.maps import BUYING, CHECKOUT_MAP, PERSONAS, SERVICE_MAP, SOURCES, TEMPLATE, Json
from infra.demo.platform import Platform
from infra.demo.shop import Source

_SAVE_SOURCE = "mutation($input: SourceInput!) { saveSource(input: $input) { key errors { message } } }"
_SOURCES = "{ sources { key keys { id createdAt } } }"
_HEARD = "{ sources { key accepted } }"
_REVOKE = "mutation($id: ID!) { revokeKey(id: $id) { errors { message } } }"
_ROTATE = "mutation($source: String!) { rotateKey(source: $source) { key errors { message } } }"
_PERSONA = "query($key: String!) { persona(key: $key) { status } }"
_SAVE_PERSONA = "mutation($input: PersonaInput!) { savePersona(input: $input) { errors { message } } }"
_PUBLISH_PERSONA = "mutation($key: String!) { publishPersona(key: $key) { errors { message } } }"
_JOURNEY = "query($key: String!) { journey(key: $key) { status } }"
_FROM_TEMPLATE = """
mutation($template: String!, $key: String!, $name: String!) {
  createJourneyFromTemplate(template: $template, key: $key, name: $name) { errors { message } }
}
"""
_SAVE_JOURNEY = "mutation($input: JourneyInput!) { saveJourney(input: $input) { errors { message } } }"
_PUBLISH_JOURNEY = "mutation($key: String!) { publishJourney(key: $key) { errors { message } } }"
_SHOP = "query($of: IdentifierInput!) { customer(identifier: $of) { traits } }"
_NOTE = """
mutation($of: [IdentifierInput!]!, $traits: JSON) {
  identify(identifiers: $of, traits: $traits, wait: true) { errors { message } }
}
"""
_MOST_KEYS = 2


async def real_sources(platform: Platform) -> list[str]:
    """Sources that have sent events to a platform on which no simulated shop was opened yet. Raises Problem."""
    heard = {source["key"]: source["accepted"] for source in (await platform.graphql(_HEARD))["sources"]}
    if not heard.keys().isdisjoint(source["key"] for source in SOURCES):
        return []
    return [key for key, accepted in heard.items() if accepted]


async def open_shop(platform: Platform) -> dict[Source, str]:
    """Declares what is not there yet; the write key of each source. Raises Problem."""
    keys = {Source(source["key"]): await _key_of(platform, source) for source in SOURCES}
    for persona in PERSONAS:
        if await _is_missing(platform, "persona", _PERSONA, persona["key"]):
            await platform.graphql(_SAVE_PERSONA, input=persona)
            await platform.graphql(_PUBLISH_PERSONA, key=persona["key"])
    if await _is_missing(platform, "journey", _JOURNEY, BUYING):
        await platform.graphql(_FROM_TEMPLATE, **TEMPLATE)
        await platform.graphql(_PUBLISH_JOURNEY, key=BUYING)
    for journey in (CHECKOUT_MAP, SERVICE_MAP):
        if await _is_missing(platform, "journey", _JOURNEY, journey["key"]):
            await platform.graphql(_SAVE_JOURNEY, input=journey)
            await platform.graphql(_PUBLISH_JOURNEY, key=journey["key"])
    return keys


async def _key_of(platform: Platform, source: Json) -> str:
    """A source shows its key once, when it is made; later runs take a new one and let the one before them live on."""
    saved = (await platform.graphql(_SAVE_SOURCE, input=source))["saveSource"]
    if saved["key"] is not None:
        return str(saved["key"])
    [known] = [one for one in (await platform.graphql(_SOURCES))["sources"] if one["key"] == source["key"]]
    if len(known["keys"]) == _MOST_KEYS:
        await platform.graphql(_REVOKE, id=min(known["keys"], key=lambda key: str(key["createdAt"]))["id"])
    rotated = (await platform.graphql(_ROTATE, source=source["key"]))["rotateKey"]
    return str(rotated["key"])


async def _is_missing(platform: Platform, kind: str, query: str, key: str) -> bool:
    """A draft that an interrupted run left is made again."""
    found = (await platform.graphql(query, key=key))[kind]
    return found is None or found["status"] == "DRAFT"


class Opened(NamedTuple):
    """What the platform knows of an earlier run with the same seed."""

    began: int
    """Microseconds since 1970: the end of its history."""
    days: int
    customers: int
    is_loaded: bool


async def read_opened(platform: Platform, seed: int) -> Opened | None:
    """The shop keeps its own books where it keeps everything: as traits of `sim-<seed>`. Raises Problem."""
    customer = (await platform.graphql(_SHOP, of=_shop(seed)))["customer"]
    if customer is None:
        return None
    noted = customer["traits"]
    return Opened(noted["began"], noted["days"], noted["customers"], noted["loaded"])


async def note_opened(platform: Platform, seed: int, opened: Opened) -> None:
    """Raises Problem."""
    traits = {"simulated": True, "is": "the simulated shop itself", "opened": to_rfc3339(opened.began)}
    traits |= {"began": opened.began, "days": opened.days, "customers": opened.customers, "loaded": opened.is_loaded}
    await platform.graphql(_NOTE, of=[_shop(seed)], traits=traits)


def _shop(seed: int) -> Json:
    return {"type": "user_id", "value": f"sim-{seed}"}
