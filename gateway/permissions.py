"""Scopes, declared on the field that needs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, ClassVar, NoReturn

import strawberry
from graphql import GraphQLError
from strawberry.permission import BasePermission
from strawberry.types.field import StrawberryField

from gateway.context import Context
from gateway.streams.news import Told


class Scope(BasePermission):
    """Lets a principal through that has the scope `name`; all others are answered FORBIDDEN."""

    name: ClassVar[str]
    of_request: ClassVar[bool] = True
    """It never looks at the object, so that one answer holds for a field of many objects."""

    def has_permission(self, source: Any, info: strawberry.Info[Context, None], **kwargs: Any) -> bool:
        return self.name in info.context.principal.scopes

    def on_unauthorized(self) -> NoReturn:
        raise GraphQLError(f"This needs the scope {self.name}.", extensions={"code": "FORBIDDEN"})


class RecordsEvents(Scope):
    name = "events:write"


class ReadsCustomers(Scope):
    name = "customers:read"


class IsCustomer(Scope):
    """Lets customer tokens through: they have no scope that would show them anybody else."""

    name = "me"

    def has_permission(self, source: Any, info: strawberry.Info[Context, None], **kwargs: Any) -> bool:
        return info.context.principal.customer is not None

    def on_unauthorized(self) -> NoReturn:
        raise GraphQLError("This needs a customer token.", extensions={"code": "FORBIDDEN"})


class ReadsPersonalData(Scope):
    """Guards every field that may hold what identifies or describes a person."""

    name = "pii:read"


class ReadsInsights(Scope):
    name = "insights:read"


class ReadsModels(Scope):
    name = "models:read"


class WritesModels(Scope):
    name = "models:write"


class WritesSources(Scope):
    """What the workspace itself is like, and where its events come from."""

    name = "sources:write"


def resolved(
    *scopes: type[Scope], description: str | None = None
) -> Callable[[Callable[..., object]], StrawberryField]:
    """A resolver as a field that needs all of `scopes`; the decorator of strawberry, but typed."""
    decorator: Callable[[Callable[..., object]], StrawberryField] = strawberry.field(
        description=description, permission_classes=list(scopes)
    )
    return decorator


def subscribed(
    *scopes: type[Scope], gives: type, description: str
) -> Callable[[Callable[..., AsyncGenerator[list[Told], None]]], StrawberryField]:
    """What a resolver tells as a subscription field of the type `gives` that needs all of `scopes`."""
    decorator: Callable[[Callable[..., AsyncGenerator[list[Told], None]]], StrawberryField] = strawberry.subscription(
        graphql_type=gives, description=description, permission_classes=list(scopes)
    )
    return decorator
