from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, FieldNode, GraphQLError, located_error
from graphql.execution.values import VariableValues

from gateway.execution.places import Place

if TYPE_CHECKING:
    from gateway.execution.plan import Plan
    from gateway.execution.selections import Selection
    from gateway.execution.steps import Step

Complete = Callable[["Run", Any, Place], Any]
"""From what a resolver gave to what the answer says of it. Raises what is wrong with it."""


class Run:
    """One execution of a plan: what it has at hand, what it waits for, and what went wrong.

    Resolvers that wait run at the same time, each in a task, for what they call may look for the task it is in. Their
    values are completed as they arrive, without a task for anything in between.
    """

    def __init__(self, plan: Plan, context: object, variables: VariableValues) -> None:
        self.plan = plan
        self.context = context
        self.variables = variables
        self.steps: dict[Selection, list[Step]] = {}
        """Those of selections that depend on the request."""
        self._answer: dict[str, Any] = {"data": None}
        self._root = Place(None, "data", self._answer, nullable=True)
        self._errors: list[GraphQLError] = []
        self._wanted: list[asyncio.Future[Any]] = []
        self._missing = 0
        self._loop = asyncio.get_running_loop()
        self._settled: asyncio.Future[None] = self._loop.create_future()

    async def execute(self, complete: Complete) -> ExecutionResult:
        """The answer, when everything that it waits for has arrived."""
        try:
            self._answer["data"] = complete(self, None, self._root)
        except GraphQLError as error:
            self._lose(error, self._root)
        if self._missing:
            try:
                await self._settled
            except asyncio.CancelledError:
                self._cancel()
                raise
        return ExecutionResult(self._answer["data"], self._errors or None)

    def wait_for(self, value: Awaitable[Any], place: Place, complete: Complete, nodes: list[FieldNode]) -> None:
        """Completes `value` and puts it at `place` as soon as it is there."""
        future: asyncio.Future[Any] = (
            self._loop.create_task(value) if isinstance(value, CoroutineType) else asyncio.ensure_future(value)
        )
        self._wanted.append(future)
        self._missing += 1
        future.add_done_callback(partial(self._arrive, place, complete, nodes))

    def fail(self, error: Exception, place: Place, nodes: list[FieldNode]) -> None:
        """Leaves null at `place`. Raises the error, located, if that cannot be: then what is around it has failed."""
        located = located_error(error, nodes, place.path())
        if not place.nullable:
            raise located
        self._lose(located, place)

    def _arrive(self, place: Place, complete: Complete, nodes: list[FieldNode], future: asyncio.Future[Any]) -> None:
        self._missing -= 1
        if future.cancelled():
            if not place.is_lost():
                self._settled.cancel()  # by somebody else: as if it had happened to whoever awaits the answer
        else:
            error = future.exception()
            if not place.is_lost():
                try:
                    if error is not None:
                        raise error
                    place.holder[place.key] = complete(self, future.result(), place)
                except Exception as raised:
                    self._lose(located_error(raised, nodes, place.path()), place.nearest_nullable())
        if not self._missing and not self._settled.done():
            self._settled.set_result(None)

    def _lose(self, error: GraphQLError, place: Place) -> None:
        self._errors.append(error)
        place.lost = True
        place.holder[place.key] = None
        if place is self._root:
            self._cancel()

    def _cancel(self) -> None:
        for future in self._wanted:
            future.cancel()
