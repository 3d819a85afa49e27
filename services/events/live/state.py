"""Where the folds of one customer stand behind some event, as it is stored.

A customer has one fold for each build. Behind the last event the numbers of runs stand in the state; a checkpoint has
none, because an earlier run that comes to light renumbers all later ones. Its reader takes them from the instances.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.events.live.domain import HistoryState, alike

States = dict[int, HistoryState]
"""By build."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, HistoryState]).decode


def write_states(states: Mapping[int, HistoryState]) -> bytes:
    return _encode({build: states[build] for build in sorted(states)})


def read_states(stored: bytes) -> States:
    """None if they were written in another form, by an earlier release: whoever asks then folds from the beginning."""
    try:
        return _decode(stored)
    except msgspec.MsgspecError:
        return {}


def write_checkpoint(states: Mapping[int, HistoryState]) -> bytes:
    return write_states({build: _without_numbers(state) for build, state in states.items()})


def numbered(state: HistoryState, started: int, runs: Mapping[str, int]) -> HistoryState:
    """The state of a checkpoint with the number of runs until then, and that of each open run by its start event."""
    numbers = sorted(
        (run._replace(number=runs[run.start.event]) for run in state.open),
        key=lambda run: (run.last_event_at, run.number),
    )
    return state._replace(started=started, open=tuple(numbers))


def all_alike(states: Mapping[int, HistoryState], stored: Mapping[int, HistoryState]) -> bool:
    """Whether whatever happens next means the same, but for the numbers of runs."""
    return all(build in stored and alike(state, stored[build]) for build, state in states.items())


def _without_numbers(state: HistoryState) -> HistoryState:
    open_runs = tuple(run._replace(number=0) for run in state.open)
    return state._replace(started=min(state.started, 1), open=open_runs)
