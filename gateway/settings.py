"""What can be set from outside."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator
from pydantic_settings import NoDecode
from strawberry.http.websocket_origin import normalize_allowed_origins

from infra.chassis.settings import SigningKey, Surroundings, is_production


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(normalize_allowed_origins(origins)))


def check_named(origins: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Raises ValueError in production if every page of the world may ask."""
    if is_production(info) and "*" in origins:
        raise ValueError(
            "every page of the world could ask: name the origins of yours, such as https://www.shop.example"
        )
    return origins


Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_origins)]
"""`https://shop.example, https://www.shop.example`, or `*` for all."""


class Settings(Surroundings):
    """Read from `KLANTREIS_*`. In development `GET /graphql` shows GraphiQL, the schema may be asked for, pages of this
    machine may ask, and all may open WebSockets."""

    allowed_origins: Origins = ()
    """Besides its own: pages from there may ask, and open WebSockets."""


class ProcessSettings(Settings):
    """What a gateway needs besides, when it is a process of its own."""

    personas_url: str
    journeys_url: str
    events_url: str
    signing_key: SigningKey

    _check_origins = field_validator("allowed_origins")(check_named)
