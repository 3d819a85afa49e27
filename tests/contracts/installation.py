"""A running installation as its own services see it: internal addresses, the tokens that open them, and a customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.relay import parse_global_id
from infra.chassis.auth import ServiceTokens
from tests.support.platform import Platform, four_processes
from tests.support.shop_days import SHOP_DAY

WORKSPACE = "default"
FROM_TEMPLATE = """mutation { createJourneyFromTemplate(template: "five-stations", key: "shop", name: "Shop") {
    errors { message } } publishJourney(key: "shop") { errors { message } } }"""
PERSONA = """mutation { savePersona(input: { key: "family", name: "Family" }) { errors { message } }
    publishPersona(key: "family") { errors { message } } }"""
SOURCE = """mutation { saveSource(input: { key: "till", name: "Till", kind: "store" }) {
    source { keys { id } } errors { message } } }"""
READ = """{ instances { edges { node { id customer { id timeline { edges { node { id } } } } } } } }"""
REJECTED = "{ rejectedEvents { edges { node { id } } } }"
USER = {"type": "user_id", "value": "anna buys"}


@dataclass(frozen=True)
class Installation:
    platform: Platform
    known: Mapping[str, Sequence[str]]
    """Ids as the services know them: of some `customers`, `instances`, `events`, `rejected` events and `keys`."""

    def address(self, service: str) -> str:
        return f"http://127.0.0.1:{self.platform.processes[service].port}"

    @property
    def tokens(self) -> ServiceTokens:
        return ServiceTokens(self.platform.processes["gateway"].environment["KLANTREIS_SIGNING_KEY"])


@contextmanager
def installed(folder: Path, database_url: str) -> Iterator[Installation]:
    """With a shop's map, a persona, and what customers did on one day."""
    with four_processes(folder, database_url) as platform:
        platform.graphql(FROM_TEMPLATE)
        platform.graphql(PERSONA)
        for who, day in SHOP_DAY.items():
            calls = [{"type": "identify", "userId": who, "traits": {"email": f"{who.replace(' ', '.')}@example.com"}}]
            calls += [{"type": "track", "userId": who, "event": name, "properties": more} for name, more in day]
            platform.send("/v1/batch", {"batch": calls}, key=platform.credentials["adminKey"]).raise_for_status()
        platform.send("/v1/track", {"userId": "x", "event": "y", "timestamp": "never"})
        platform.settle()
        yield Installation(platform, _known(platform))


def _known(platform: Platform) -> dict[str, list[str]]:
    instances = [edge["node"] for edge in platform.graphql(READ)["instances"]["edges"]]
    customers = [instance["customer"] for instance in instances]
    events = [edge["node"]["id"] for customer in customers for edge in customer["timeline"]["edges"]]
    ids = {
        "instances": [one["id"] for one in instances],
        "customers": [one["id"] for one in customers],
        "events": events,
        "rejected": [edge["node"]["id"] for edge in platform.graphql(REJECTED)["rejectedEvents"]["edges"]],
    }
    known = {kind: [parse_global_id(id)[1] for id in some][:3] for kind, some in ids.items()}
    return known | {"keys": [key["id"] for key in platform.graphql(SOURCE)["saveSource"]["source"]["keys"]]}
