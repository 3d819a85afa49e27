"""What subscribers are told, and all the work for it that they share.

What a thousand subscribers with the same document are told is worked out once. Shared work runs in tasks of its own:
whoever goes away while waiting for it takes nothing from the others, and errors in it name the request of nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from gateway.clients.customers import EVERYTHING, View
from gateway.loaders import CustomerLoaders, Loaders
from infra.chassis import request_ids

T = TypeVar("T")
V = TypeVar("V")

_FRESH_SECONDS = 10.0
"""For how long what was loaded for some is shown to others. Also well within the life of a service token."""
_CLOSING_SECONDS = 0.5
"""Many times what a loop takes to finish what is ready; nobody who goes away should wait for a service any longer."""


class Workshop:
    """The tasks of shared work, ended together."""

    def __init__(self, closing_seconds: float = _CLOSING_SECONDS) -> None:
        self._closing_seconds = closing_seconds
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, V]) -> asyncio.Task[V]:
        task = asyncio.create_task(work, context=request_ids.outliving())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """What is ready comes to its end. What still waits for a service after a moment is cancelled."""
        tasks = list(self._tasks)
        if tasks:  # amid its steps graphql-core leaves coroutines behind that nobody awaits, if it is cancelled there
            await asyncio.wait(tasks, timeout=self._closing_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it hears of it; perhaps nobody does any more


class Batch(Generic[T]):
    """Items that came together, and the loaders that everybody uses who is told of them."""

    def __init__(
        self, items: Sequence[T], new_loaders: Callable[[], Loaders], workshop: Workshop, view: View = EVERYTHING
    ) -> None:
        """`view`: what those who are told may see of customers."""
        self._items = items
        self._new_loaders = new_loaders
        self._loaders: Loaders | None = None
        self._loaded_since = 0.0
        self._loads: dict[Any, asyncio.Task[dict[str, Any]]] = {}
        self._view = view
        self.begin = workshop.begin

    @property
    def loaders(self) -> Loaders:
        if self._loaders is None or time.monotonic() - self._loaded_since > _FRESH_SECONDS:
            self._loaders, self._loads = self._new_loaders(), {}
            self._loaded_since = time.monotonic()
        return self._loaders

    @property
    def customers(self) -> CustomerLoaders:
        """Whatever hangs on an item is loaded with these."""
        return self.loaders.customers(self._view)

    async def load(self, loader_of: Callable[[Loaders], DataLoader[str, V]], key_of: Callable[[T], str], item: T) -> V:
        """What a loader has for an item, asked for together with what it has for the others."""
        loader = loader_of(self.loaders)
        if loader not in self._loads:
            keys = list(dict.fromkeys(map(key_of, self._items)))
            self._loads[loader] = self.begin(_load(loader, keys))
        found: V = (await asyncio.shield(self._loads[loader]))[key_of(item)]
        return found


async def _load(loader: DataLoader[str, V], keys: list[str]) -> dict[str, V]:
    return dict(zip(keys, await loader.load_many(keys), strict=True))


@dataclass(slots=True, eq=False)
class News(Generic[T]):
    """One item, as all share it who are told of it."""

    item: T
    position: str
    ids: Sequence[str]
    """Of the customer whom it is about: the present one and former ones."""
    batch: Batch[T]
    answers: dict[Hashable, asyncio.Task[str]] = field(default_factory=dict)
    """What is sent of it, by everything that this depends on."""

    def answer(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, str]]) -> asyncio.Task[str]:
        """The task that works it out, for all who wait: wait for it behind a shield."""
        task = self.answers.get(key)
        if task is None:
            task = self.answers[key] = self.batch.begin(make())
        return task


class Told(NamedTuple):
    """What a subscription field gives for each news: the value of its GraphQL type, and where it is shared."""

    value: object
    news: News[Any]
    position: str | None
    """What clients may go on from."""
