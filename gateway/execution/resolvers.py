"""What Strawberry does around a resolver, without its layers: arguments, info, permissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, iscoroutinefunction
from typing import Any

from strawberry.exceptions import PermissionReturnedNonBooleanError
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.types.field import StrawberryField

from gateway.execution.arguments import Arguments
from gateway.execution.info import FieldInfo

Call = Callable[[Any, FieldInfo, Arguments], Any]
"""Gives the value of a field of the object that comes first, perhaps awaitable."""


class NotPlanned(Exception):
    """There is something that plans cannot do as Strawberry does it."""


def permissions_of(field: StrawberryField) -> list[BasePermission]:
    """In the order in which they are asked. Raises NotPlanned for any other extension of a field."""
    permissions: list[BasePermission] = []
    for extension in field.extensions:
        if type(extension) is not PermissionExtension or extension.fail_silently:
            raise NotPlanned
        permissions += extension.permissions
    if any(iscoroutinefunction(permission.has_permission) for permission in permissions):
        raise NotPlanned
    return permissions


def hold_for_request(permissions: Sequence[BasePermission]) -> bool:
    """Whether all say of themselves that they never look at the object: then they say the same of each."""
    return all(getattr(permission, "of_request", False) for permission in permissions)


def ask(permissions: Sequence[BasePermission], source: object, info: FieldInfo, arguments: Arguments) -> None:
    """Raises the error of the first that does not let through."""
    for permission in permissions:
        allowed: object = permission.has_permission(source, info, **arguments)
        if not isinstance(allowed, bool):
            raise PermissionReturnedNonBooleanError(permission, allowed)
        if not allowed:
            permission.on_unauthorized()
            raise TypeError(f"{type(permission).__name__} refuses, but raises no error.")


def call_of(field: StrawberryField) -> Call:
    """Calls the resolver of `field` as it wants to be called; without one reads the attribute."""
    resolver = field.base_resolver
    if resolver is None:
        read, name = field.default_resolver, field.python_name
        return lambda source, _info, _arguments: read(source, name)
    function: Callable[..., Any] = resolver.wrapped_func  # type: ignore[assignment]
    takes_self = resolver.self_parameter is not None
    sources = _names(resolver.parent_parameter, resolver.root_parameter)
    infos = _names(resolver.info_parameter)

    def call(source: Any, info: FieldInfo, arguments: Arguments) -> Any:
        named = {**arguments, **dict.fromkeys(sources, source), **dict.fromkeys(infos, info)}
        return function(source, **named) if takes_self else function(**named)

    def call_simply(source: Any, info: FieldInfo, arguments: Arguments) -> Any:
        return function(source, info=info, **arguments)

    return call_simply if takes_self and infos == ("info",) and not sources else call


def _names(*parameters: Parameter | None) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in parameters if parameter is not None)
