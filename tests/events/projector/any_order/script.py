"""What a process lives through while events come in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from hypothesis import strategies as st


class Turn(StrEnum):
    """One thing that happens."""

    HEAR = auto()  # the next part of the events, as rows of one to many
    TRICKLE = auto()  # a few events one by one, each projected at once
    STEP = auto()  # one step of each stage: marks and rebuilds stay half done
    PROJECT = auto()  # until everything is visible
    RESTART = auto()
    WEEK = auto()  # a week passes and nobody looks
    LEAP = auto()  # the clock goes forward, far past all deadlines
    BACK = auto()  # the clock goes back
    PUBLISH = auto()  # a version from now on
    REWRITE = auto()  # a version from an earlier moment: history is rebuilt beside the live state
    ALWAYS = auto()  # a version from the beginning of time


@dataclass(frozen=True)
class Script:
    """A number that everything random follows from, how much happens to the most active person, and turns."""

    seed: int
    hot: int
    turns: tuple[Turn, ...]


def scripts(hot: st.SearchStrategy[int], most: int) -> st.SearchStrategy[Script]:
    """Up to `most` turns, the frequent ones more often."""
    frequent = [Turn.HEAR, Turn.HEAR, Turn.TRICKLE, Turn.PROJECT, Turn.PROJECT]
    turns = st.lists(st.sampled_from([*frequent, *Turn]), min_size=6, max_size=most)
    return st.builds(Script, st.integers(0, 1 << 32), hot, turns.map(tuple))
