from __future__ import annotations

import strawberry

from gateway.vocabulary import Trust


@strawberry.input(description="A source as it is to be, as a whole.")
class SourceInput:
    key: str
    name: str
    kind: str | None = "website"
    default_channel: str | None = strawberry.UNSET
    origins: list[str] | None = strawberry.UNSET
    trust: Trust | None = Trust.CLAIMED
    paused: bool | None = False
