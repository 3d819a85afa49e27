"""Rounds, medians, the CPU of other processes, and how figures are said and kept."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sysconfig
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

import psutil  # type: ignore[import-untyped]

from tests.support.databases import PostgresServer

RESULTS = Path(__file__).with_name("results.jsonl")
_T = TypeVar("_T")


class Target(NamedTuple):
    """What a figure should be; missing it is said, and fails nothing."""

    value: float
    at_least: bool

    def met_by(self, value: float) -> bool:
        return value >= self.value if self.at_least else value <= self.value


def at_most(value: float) -> Target:
    return Target(value, at_least=False)


def at_least(value: float) -> Target:
    return Target(value, at_least=True)


@dataclass(frozen=True)
class Figure:
    """The median of what the rounds gave, and the rounds themselves."""

    name: str
    unit: str
    rounds: tuple[float, ...]
    target: Target | None = None

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool | None:
        return self.target.met_by(self.value) if self.target else None

    def as_json(self) -> dict[str, Any]:
        figure: dict[str, Any] = {
            "value": _short(self.value),
            "unit": self.unit,
            "rounds": [_short(one) for one in self.rounds],
        }
        if self.target:
            figure |= {"target": self.target.value, "met": self.met}
        return figure


def figure(name: str, unit: str, rounds: Iterable[float], target: Target | None = None) -> Figure:
    return Figure(name, unit, tuple(rounds), target)


class Bench(NamedTuple):
    """What a benchmark has to work with."""

    rounds: int
    folder: Path
    """Its own, empty."""
    postgresql: PostgresServer
    """Durable: it waits for the disk."""
    say: Callable[[str], None]
    """Shows what is being done."""


async def interleaved(bench: Bench, sides: Mapping[str, Callable[[int], Awaitable[_T]]]) -> dict[str, list[_T]]:
    """Each round measures every side once, the order turned round each time, so that noise hits all of them.

    A side is given the number of the round.
    """
    results: dict[str, list[_T]] = {name: [] for name in sides}
    for number in range(bench.rounds):
        for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
            bench.say(f"round {number + 1}: {name}")
            results[name].append(await sides[name](number))
    return results


def cpu_seconds(*pids: int) -> float:
    """User and system time that processes have used so far, their children (ended ones too) included."""
    trees = [(root, *root.children(recursive=True)) for root in map(psutil.Process, pids)]
    return sum(map(_cpu_seconds, chain.from_iterable(trees)))


def own_cpu_seconds(pid: int) -> float:
    """The same without the children."""
    return _cpu_seconds(psutil.Process(pid))


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:  # it ended meanwhile: its time is its parent's now
        return 0.0


def pid_of(server: PostgresServer) -> int:
    """The process from which all others of the server descend."""
    return int((server.folder / "data" / "postmaster.pid").read_text().split(maxsplit=1)[0])


def resident_megabytes(pid: int) -> float:
    """Of a process and its children."""
    root = psutil.Process(pid)
    return float(sum(one.memory_info().rss for one in [root, *root.children(recursive=True)])) / (1 << 20)


def append_result(benchmark: str, figures: Iterable[Figure], facts: Mapping[str, Any]) -> None:
    line = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "benchmark": benchmark,
        "figures": {one.name: one.as_json() for one in figures},
    }
    with RESULTS.open("a") as results:
        results.write(json.dumps(line, ensure_ascii=False) + "\n")


def facts_of_this_run(rounds: int) -> dict[str, Any]:
    """The commit, and what of the machine the figures depend on."""
    return {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "rounds": rounds,
        "machine": {
            "cpus": os.cpu_count(),
            "cpu": _cpu_name(),
            "memory_gb": round(psutil.virtual_memory().total / (1 << 30)),
            "load": round(os.getloadavg()[0], 1),
            "system": platform.platform(),
            "python": platform.python_version(),
            "optimised python": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
            "sqlite": sqlite3.sqlite_version,
        },
    }


def _cpu_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _git(*arguments: str) -> str:
    finished = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=RESULTS.parent)
    return finished.stdout.strip()


def _short(value: float) -> float:
    return float(f"{value:.4g}")
