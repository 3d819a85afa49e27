"""What waits, and what becomes of it when nobody needs it any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, OperationDefinitionNode, parse

from gateway.execution.executor import QueryExecutor
from gateway.execution.plans import Plans


class Signals:
    """What a test and resolvers tell each other."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled: list[str] = []
        self.shared: asyncio.Future[str] = asyncio.get_running_loop().create_future()


@strawberry.type
class Box:
    @strawberry.field
    async def waiting(self, info: strawberry.Info[Signals, None], name: str = "a") -> str:
        info.context.begun.set()
        try:
            await info.context.go_on.wait()
        except asyncio.CancelledError:
            info.context.cancelled.append(name)
            raise
        return name

    @strawberry.field
    async def failing(self) -> str:
        raise ValueError("no")

    @strawberry.field
    async def shared(self, info: strawberry.Info[Signals, None]) -> str:
        info.context.begun.set()
        return await info.context.shared


@strawberry.type
class Query(Box):
    @strawberry.field
    def box(self) -> Box | None:
        return Box()

    @strawberry.field
    async def failing_at_once(self) -> Box | None:
        raise ValueError("no")


class BoxSchema(strawberry.Schema):
    @property
    def core(self) -> Any:
        return self._schema


SCHEMA = BoxSchema(Query)


def execute(query: str, signals: Signals) -> asyncio.Task[ExecutionResult | None]:
    document = parse(query)
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return asyncio.create_task(QueryExecutor(SCHEMA, SCHEMA.core).execute(Plans(document), operation, None, signals))


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


async def test_who_goes_away_leaves_nothing_behind() -> None:
    signals = Signals()
    execution = execute('{ a: waiting(name: "a") box { waiting(name: "b") } }', signals)
    await signals.begun.wait()
    execution.cancel()
    await asyncio.wait([execution, *others()])
    assert execution.cancelled()
    assert sorted(signals.cancelled) == ["a", "b"]
    assert others() == set()


async def test_when_everything_is_null_nothing_more_is_waited_for() -> None:
    signals = Signals()
    result = await execute("{ waiting failing box { waiting } }", signals)
    assert result is not None
    assert (result.data, [error.path for error in result.errors or ()]) == (None, [["failing"]])
    assert others() == set()


async def test_what_arrives_in_something_that_is_null_changes_nothing() -> None:
    signals = Signals()
    execution = execute('{ box { failing waiting } other: box { waiting(name: "b") } }', signals)
    await signals.begun.wait()
    signals.go_on.set()
    result = await execution
    assert result is not None
    assert result.data == {"box": None, "other": {"waiting": "b"}}
    assert [error.path for error in result.errors or ()] == [["box", "failing"]]


async def test_several_errors_in_something_that_is_null_are_told_once() -> None:
    result = await execute("{ box { failing again: failing } }", Signals())
    assert result is not None
    assert result.data == {"box": None}
    assert [error.path for error in result.errors or ()] == [["box", "failing"]]


async def test_when_something_shared_is_cancelled_the_answer_is() -> None:
    signals = Signals()
    execution = execute("{ box { shared waiting } }", signals)
    await signals.begun.wait()
    signals.shared.cancel()
    with pytest.raises(asyncio.CancelledError):
        await execution
