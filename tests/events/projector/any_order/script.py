"""What a process lives through while events come in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from hypothesis import strategies as st


class Turn(StrEnum):
    """One thing that happens."""

    HEAR = auto()  # the next part of the events, as rows of one to many
    TRICKLE = auto()  # a few events that are heard of long after the others, each projected at once
    LISTEN = auto()  # the log is read, and nothing is folded yet
    FOLD = auto()  # one step: who was marked late stays marked
    CATCH_UP = auto()  # one step of what is rebuilt
    PROJECT = auto()  # until everything is visible
    RESTART = auto()
    WEEK = auto()  # a week passes and nobody looks
    DEADLINE = auto()  # the clock goes forward to where an instance ends
    LEAP = auto()  # the clock goes forward, past very many deadlines
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


EVERYTHING = (
    *(Turn.HEAR, Turn.PROJECT, Turn.TRICKLE, Turn.REWRITE, Turn.HEAR, Turn.LISTEN, Turn.CATCH_UP, Turn.RESTART),
    *(Turn.HEAR, Turn.PROJECT, Turn.TRICKLE, Turn.BACK, Turn.PUBLISH, Turn.PROJECT, Turn.WEEK, Turn.HEAR, Turn.FOLD),
    *(Turn.TRICKLE, Turn.ALWAYS, Turn.LEAP, Turn.PROJECT, Turn.HEAR, Turn.LISTEN, Turn.HEAR, Turn.LISTEN, Turn.TRICKLE),
    *(Turn.DEADLINE, Turn.PROJECT, Turn.PUBLISH, Turn.HEAR, Turn.PROJECT, Turn.TRICKLE, Turn.BACK),
)
"""Turns that between them hold every kind."""

STRAGGLERS = (Turn.HEAR, Turn.LEAP, Turn.PROJECT, Turn.TRICKLE, Turn.REWRITE, Turn.TRICKLE, Turn.BACK, Turn.TRICKLE)
"""One by one, events come into histories that are known for the most part: after each, most stands as before."""


def everything(seed: int) -> Script:
    return Script(seed, 350, EVERYTHING)


def stragglers(seed: int) -> Script:
    return Script(seed, 450, STRAGGLERS)


def scripts(hot: st.SearchStrategy[int], most: int) -> st.SearchStrategy[Script]:
    """Up to `most` turns, the frequent ones more often."""
    frequent = [Turn.HEAR, Turn.HEAR, Turn.TRICKLE, Turn.PROJECT, Turn.PROJECT]
    turns = st.lists(st.sampled_from([*frequent, *Turn]), min_size=6, max_size=most)
    return st.builds(Script, st.integers(0, 1 << 32), hot, turns.map(tuple))
