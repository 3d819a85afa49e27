"""The fold of one customer's events, from one place of the history until everything stands as it did before."""

from __future__ import annotations

from collections.abc import Mapping

from services.events.live.domain import History
from services.events.live.domain.checkpoints import is_checkpoint, may_be_checkpoint
from services.events.live.state import States, all_alike, read_states
from services.events.projector.work import Built, Unfoldable, Work


class Failed(Exception):
    """One event cannot be folded."""

    def __init__(self, unfoldable: Unfoldable) -> None:
        super().__init__(unfoldable.event)
        self.unfoldable = unfoldable


class Walk:
    """Made by walking: it raises Failed for an event that cannot be folded."""

    def __init__(self, work: Work, builds: Mapping[int, Built]) -> None:
        self.histories = {
            build: History(builds[build].schedule, state, work.archive(build)) for build, state in work.base.items()
        }
        self.entries = work.entries
        if work.left_out:
            self.entries = [entry for entry in work.entries if entry.id not in work.left_out]
        self.checkpoints: dict[bytes, States] = {}
        self.alike_behind: bytes | None = None
        """The checkpoint behind which nothing changes but the numbers of runs."""
        self.events = 0
        add = [history.add for history in self.histories.values()]
        for entry in self.entries:
            self.events += 1
            try:
                for take in add:
                    take(entry)
            except Exception as error:
                raise Failed(Unfoldable(entry.id, entry.key, type(error).__name__)) from error
            if may_be_checkpoint(entry.key) and self._is_alike(work, entry.key):
                break

    def states(self) -> States:
        return {build: history.state() for build, history in self.histories.items()}

    def _is_alike(self, work: Work, key: bytes) -> bool:
        states = {
            build: history.state() for build, history in self.histories.items() if is_checkpoint(key, history.open_runs)
        }
        if states:
            self.checkpoints[key] = states
        stored = work.checkpoints.get(key)
        if stored is None or key < work.changed_until or work.is_catching_up or len(states) < len(self.histories):
            return False
        if all_alike(states, read_states(stored)):
            self.alike_behind = key
        return self.alike_behind is not None
