"""Sources, their keys, and how they do."""

from __future__ import annotations

import strawberry

from gateway.areas.periods import PeriodInput
from gateway.clients import events as documents
from gateway.context import Info
from gateway.permissions import WritesSources, resolved
from gateway.relay import Node, global_id
from gateway.scalars import DateTime
from gateway.vocabulary import Trust
from gateway.wire import given
from infra.chassis.errors import NotFound


@strawberry.type(description="A key of a source. The key itself is told once, when it is made.")
class SourceKey:
    id: strawberry.ID
    prefix: str
    secret: bool
    created_at: DateTime
    expires_at: DateTime | None


@strawberry.type(description="How many events were rejected for one reason.")
class RejectedCount:
    code: str
    count: int


_DAYS = "By the UTC days of receipt that the period touches."


@strawberry.type(description="A system that sends events.")
class Source(Node):
    key: str
    name: str
    kind: str
    default_channel: str | None
    origins: list[str]
    trust: Trust
    paused: bool
    keys: list[SourceKey] = strawberry.field(
        permission_classes=[WritesSources], description="Those that are active, in the order they were made."
    )

    @resolved(description="When the last event that was accepted was received.")
    async def last_event_at(self, info: Info) -> DateTime | None:
        last = (await _health(info, self.key, None)).last_event_at
        return None if last is None else DateTime(last)

    @resolved(description=f"Different events. {_DAYS}")
    async def accepted(self, info: Info, period: PeriodInput | None = strawberry.UNSET) -> int:
        return (await _health(info, self.key, period)).accepted

    @resolved(description=f"Those that were accepted later included. {_DAYS}")
    async def rejected(self, info: Info, period: PeriodInput | None = strawberry.UNSET) -> int:
        return sum(one.count for one in (await _health(info, self.key, period)).rejected)

    @resolved(description=f"The same, by code. {_DAYS}")
    async def rejected_by_code(self, info: Info, period: PeriodInput | None = strawberry.UNSET) -> list[RejectedCount]:
        rejected = (await _health(info, self.key, period)).rejected
        return [RejectedCount(code=one.code, count=one.count) for one in rejected]

    @resolved(description="Names of events that came for the first time within the last seven days.")
    async def new_names(self, info: Info) -> list[str]:
        return (await _health(info, self.key, None)).new_names

    @resolved(description="Names that came on three days or more, but not within the last seven.")
    async def vanished_names(self, info: Info) -> list[str]:
        return (await _health(info, self.key, None)).vanished_names


async def _health(info: Info, key: str, period: PeriodInput | None) -> documents.SourceHealth:
    await info.context.catch_up()
    given_period = given(period)
    bounds = (given(given_period.from_), given(given_period.to)) if given_period else (None, None)
    found = await info.context.loaders.health_by_source(documents.HealthOf(*bounds)).load(key)
    if found is None:
        raise NotFound(f"There is no source {key!r} in this workspace.", code="UNKNOWN_SOURCE")
    return found


async def source_of(info: Info, key: str | None) -> Source | None:
    found = await info.context.loaders.source_by_key.load(key) if key else None
    return None if found is None else to_source(found)


def to_source(document: documents.Source) -> Source:
    return Source(
        id=global_id("Source", document.key),
        key=document.key,
        name=document.name,
        kind=document.kind,
        default_channel=document.default_channel,
        origins=document.origins or [],
        trust=document.trust,
        paused=document.paused,
        keys=[
            SourceKey(
                id=strawberry.ID(key.id),
                prefix=key.prefix,
                secret=key.secret,
                created_at=DateTime(key.created_at),
                expires_at=None if key.expires_at is None else DateTime(key.expires_at),
            )
            for key in document.keys
        ],
    )
