from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.execution.runs import Run
from gateway.execution.steps import Step


class Field(Protocol):
    """What is done for a selected field."""

    @property
    def fixed(self) -> Step | None:
        """The step, if it is the same for all requests."""

    def bind(self, run: Run) -> Step:
        """The step of one request. What is wrong with its arguments, or with who asks, shows when it is taken."""


class Selection:
    """What is selected of an object type, in the order of the answer."""

    __slots__ = ("_fields", "_fixed")

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        fixed = [field.fixed for field in fields if field.fixed is not None]
        self._fixed = fixed if len(fixed) == len(fields) else None

    def steps(self, run: Run) -> list[Step]:
        if self._fixed is not None:
            return self._fixed
        steps = run.steps.get(self)
        if steps is None:
            steps = run.steps[self] = [field.bind(run) for field in self._fields]
        return steps
