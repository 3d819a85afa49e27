from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import GraphQLResolveInfo, GraphQLResolveInfoHelpers
from graphql.pyutils import Path, gather_with_cancel, is_awaitable
from strawberry.types.field import StrawberryField

from gateway.execution.places import Place

if TYPE_CHECKING:
    from gateway.execution.runs import Run
    from gateway.execution.selected import Selected


class FieldInfo(strawberry.Info[Any, Any]):
    """Strawberry's info; all but the context is gathered only for those who ask for it."""

    def __init__(self, run: Run, selected: Selected, place: Place, field: StrawberryField) -> None:
        self._run = run
        self._selected = selected
        self._place = place
        self._field = field

    @property
    def context(self) -> Any:
        return self._run.context

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]
        return resolve_info(self._run, self._selected, self._place)


def resolve_info(run: Run, selected: Selected, place: Place) -> GraphQLResolveInfo[Any]:
    """What graphql-core tells a resolver."""
    plan = run.plan
    return GraphQLResolveInfo(
        field_name=selected.name,
        field_nodes=selected.nodes,
        return_type=selected.definition.type,
        parent_type=selected.parent_type,
        path=_linked(place),
        schema=plan.schema,
        fragments=plan.fragments,
        root_value=None,
        operation=plan.operation,
        variable_values=run.variables,
        context=run.context,
        is_awaitable=is_awaitable,
        abort_signal=None,
        async_helpers=_HELPERS,
    )


def _linked(place: Place) -> Path:
    path: Any = None
    for key in place.path():
        path = Path(path, key, None)
    return path  # type: ignore[no-any-return]


async def _gather(values: Any) -> list[Any]:
    return await gather_with_cancel(*values)


def _track(values: Any) -> None:
    asyncio.gather(*filter(is_awaitable, values), return_exceptions=True)


_HELPERS = GraphQLResolveInfoHelpers(gather=_gather, track=_track)
