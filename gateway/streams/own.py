"""What a customer is told of themself: asked for anew whenever something may be new for them.

Nothing waits for such a subscriber in a queue. Who takes one message late is told all that has become of it with the
next, so nobody is too slow, and a burst costs as much as a single event.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Generic, TypeVar

from gateway.clients.customers import View
from gateway.clients.feeds import Change, EventTold, OwnPage
from gateway.loaders import Loaders
from gateway.streams.news import Batch, News, Workshop
from gateway.streams.subscriber import AT_ONCE
from infra.chassis.errors import Problem, Unavailable

T = TypeVar("T", bound=Change | EventTold)

_PAUSE_SECONDS = 1.0
_SHARE, _LONGEST_PAUSE_SECONDS = 10, 10.0
"""A look may fold 5,000 events. What takes long is done less often: of no more than a tenth of a subscriber's time."""
_LOOK_SECONDS = 300.0  # the net under what rings no bell: an event of somebody else that parts a customer in two


class Listener:
    """Somebody who is told of one customer, until something ends it."""

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()
        """An event that names one of these profiles may be news."""
        self._problem: Problem | None = None
        self._ended = asyncio.Event()
        self._stirred = asyncio.Event()

    def end(self, problem: Problem) -> None:
        self._problem = problem
        self._ended.set()
        self._stirred.set()

    def check(self) -> None:
        """Raises the problem with which it was ended."""
        if self._problem is not None:
            raise self._problem

    def stir(self) -> None:
        self._stirred.set()

    def settle(self) -> None:
        """Whatever stirs it from now on is heard by the next `wait`."""
        self._stirred.clear()

    async def wait(self, seconds: float) -> None:
        """Until something stirs it, at most so long. Raises as `check` does."""
        await _within(seconds, self._stirred)
        self.check()

    async def rest(self, seconds: float) -> None:
        """So long, whatever stirs it. Raises as `check` does, at once."""
        await _within(seconds, self._ended)
        self.check()


class Bells:
    """Of all listeners of a workspace: each is stirred by events that name one of its profiles."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._by_name: defaultdict[str, set[Listener]] = defaultdict(set)
        self._stopped: Problem | None = None

    def ring(self, names: Iterable[str]) -> None:
        for name in names:
            for listener in self._by_name.get(name, ()):
                listener.stir()

    def ring_all(self) -> None:
        for listener in self._listeners:
            listener.stir()

    def hang(self, listener: Listener, names: Collection[str]) -> bool:
        """Stirs the listener by these names instead of those of before; whether one of them is new."""
        before, listener.names = listener.names, frozenset(names)
        for name in before - listener.names:
            self._take_down(listener, name)
        for name in listener.names - before:
            self._by_name[name].add(listener)
        return not listener.names <= before

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        listener = Listener()
        if self._stopped is not None:
            listener.end(self._stopped)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            for name in listener.names:
                self._take_down(listener, name)

    def stop(self, problem: Problem) -> None:
        """Ends all listeners, and whoever comes later."""
        self._stopped = problem
        for listener in self._listeners:
            listener.end(problem)

    def _take_down(self, listener: Listener, name: str) -> None:
        self._by_name[name].discard(listener)
        if not self._by_name[name]:
            del self._by_name[name]


class OwnFeed(Generic[T]):
    """One feed of one customer, for one subscriber."""

    def __init__(
        self,
        bells: Bells,
        view: View,
        read: Callable[[str | None], Awaitable[OwnPage[T]]],
        new_loaders: Callable[[], Loaders],
    ) -> None:
        """`read` gives what is new behind a position, or (None) the present one; somebody must ring the bells."""
        self._bells = bells
        self._view = view
        self._read = read
        self._new_loaders = new_loaders

    async def news(
        self,
        wants: Callable[[T], bool],
        after: str | None,
        attach: Callable[[Listener], AbstractContextManager[None]],
    ) -> AsyncGenerator[list[News[T]], None]:
        """What there is of interest behind a position, or (None) from now on. Ends by a Problem alone."""
        workshop, clock = Workshop(), asyncio.get_running_loop().time
        try:
            with self._bells.listening() as listener, attach(listener):
                while True:
                    listener.settle()
                    looked_at = clock()
                    page = await self._page(after, listener)
                    took = clock() - looked_at
                    is_new = self._bells.hang(listener, page.profiles)
                    after = page.next
                    listener.check()
                    batch = Batch(page.items, self._new_loaders, workshop, self._view)
                    wanted = [News(one, one.position, (), batch) for one in page.items if wants(one)]
                    for start in range(0, len(wanted), AT_ONCE):
                        listener.check()
                        yield wanted[start : start + AT_ONCE]
                    if not (page.more or is_new):  # something may have happened before the bell was there
                        await listener.wait(_LOOK_SECONDS if page.due_in is None else min(page.due_in, _LOOK_SECONDS))
                        pause = min(max(_PAUSE_SECONDS, _SHARE * took), _LONGEST_PAUSE_SECONDS)
                        await listener.rest(looked_at + pause - clock())
        finally:
            await workshop.close()

    async def _page(self, after: str | None, listener: Listener) -> OwnPage[T]:
        """Waits for an upstream that is away, but not at the very beginning."""
        while True:
            try:
                return await self._read(after)
            except Unavailable:
                if not listener.names:
                    raise
            await listener.rest(_PAUSE_SECONDS)


async def _within(seconds: float, happened: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await happened.wait()
