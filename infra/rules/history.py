"""What a customer did, as their rules ask it; and when time alone may change an answer that was given.

An event counts from the moment at which it occurred until, exclusively, `within` later. Every question notes the next
moment at which its answer may be another one. The outcome of a rule follows from the answers to the questions that
were asked on the way to it, so until the earliest of those moments it stays what it is.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from infra.rules.values import MISSING, equal, less, less_equal, unequal

_MICROSECOND: Final = timedelta(microseconds=1)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": less_equal,
    ">": lambda left, right: less(right, left),
    ">=": lambda left, right: less_equal(right, left),
}
_LAST_MOMENT: Final = 253_402_300_799_999_999
"""The end of the year 9999: a length of time that a trait names may reach further than moments do."""
_TURNS: Final = {"<": (0,), ">=": (0,), "<=": (1,), ">": (1,), "==": (0, 1), "!=": (0, 1)}
"""How long after the time since an event has reached a length a comparison of the two turns, in microseconds."""


class History:
    """A customer at a moment. `moments`: of each event name the times at which it occurred, ascending; microseconds."""

    __slots__ = ("_moments", "_now", "due_at", "traits")

    def __init__(self, traits: Mapping[str, Any], moments: Mapping[str, Sequence[int]], now: int) -> None:
        self.traits = traits
        self.due_at: int | None = None
        """The first moment after now at which time alone may change an answer that was given; None: it never does."""
        self._moments = moments
        self._now = now

    def count(self, name: str, within: int) -> int:
        """How often the event occurred in the last `within` microseconds."""
        moments, first, behind = self._window(name, within)
        if first < behind:
            self._note(moments[first] + within)
        return behind - first

    def seen(self, name: str, within: int) -> bool:
        """Whether the event occurred in the last `within` microseconds."""
        moments, first, behind = self._window(name, within)
        if first < behind:
            self._note(moments[behind - 1] + within)
        return first < behind

    def since(self, name: str) -> Any:
        """How long ago the event occurred last; MISSING if it never did."""
        moments, behind = self._so_far(name)
        return timedelta(microseconds=self._now - moments[behind - 1]) if behind else MISSING

    def since_is(self, name: str, operator: str, length: Any) -> bool:
        """Whether the event occurred last so long ago as `operator` and `length` say; false if it never did."""
        passed = self.since(name)
        if type(passed) is timedelta and type(length) is timedelta:
            reached = self._now + length // _MICROSECOND - passed // _MICROSECOND
            for later in _TURNS[operator]:
                self._note(reached + later)
        return _COMPARE[operator](passed, length)

    def _window(self, name: str, within: int) -> tuple[Sequence[int], int, int]:
        """The moments of an event; from which on, and up to which, they lie within the last so many microseconds."""
        moments, behind = self._so_far(name)
        return moments, bisect_right(moments, self._now - within, hi=behind), behind

    def _so_far(self, name: str) -> tuple[Sequence[int], int]:
        """The moments of an event, and how many of them have come. Clocks differ, so some may lie ahead."""
        moments = self._moments.get(name, ())
        behind = bisect_right(moments, self._now)
        if behind < len(moments):
            self._note(moments[behind])
        return moments, behind

    def _note(self, moment: int) -> None:
        if self._now < moment <= _LAST_MOMENT and (self.due_at is None or moment < self.due_at):
            self.due_at = moment
