from __future__ import annotations

import strawberry

from gateway.areas.events.inputs import IdentifierInput, identifier_key
from gateway.areas.payloads import UserError, refusals
from gateway.context import Info
from gateway.permissions import ReadsCustomers, resolved
from gateway.scalars import DateTime, Duration
from infra.chassis.errors import Problem

_HOUR = Duration("PT1H")


@strawberry.type
class TokenPayload:
    token: str | None
    expires_at: DateTime | None
    errors: list[UserError]


@strawberry.type
class TokenMutations:
    @resolved(
        ReadsCustomers,
        description="With the token a frontend may read `me`, follow it and record events for the one customer whom "
        "the identifier names, as far as this key may read personal data and record events. Mint it only for what the "
        "frontend's user has proven to be theirs. `lifetime`: between a minute and a day.",
    )
    async def mint_customer_token(
        self, info: Info, identifier: IdentifierInput, lifetime: Duration | None = _HOUR
    ) -> TokenPayload:
        context = info.context
        try:
            minted = await context.events.mint_customer_token(
                context.principal, identifier_key(identifier), lifetime or _HOUR
            )
        except Problem as problem:
            return TokenPayload(token=None, expires_at=None, errors=refusals(problem))
        return TokenPayload(token=minted.token, expires_at=DateTime(minted.expires_at), errors=[])
