"""A story of somebody who wants to see what the platform can do, and checks whether it tells the truth."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.chassis.clock import system_clock
from infra.demo.calendar import Simulation
from infra.demo.facts import Checkout, Hop, Ledger
from infra.demo.maps import BUYING, CHECKOUT, SERVICE
from infra.demo.opening import Opened, note_opened
from infra.demo.platform import Platform as Speaker
from infra.demo.sending import load_history
from infra.demo.telling import Call
from tests.support.command import klantreis
from tests.support.databases import PostgresServer
from tests.support.demo import CLOSED, running_demo
from tests.support.platform import COMMAND, Platform, free_port, one_process, one_process_on, until

DAYS, CUSTOMERS, SEED = 40, 10, 3
ONCE = ("demo", "--once", "--days", DAYS, "--customers", CUSTOMERS, "--seed", SEED)
INSIGHTS = """
query($key: String!, $by: HopDimension = CHANNEL) {
  journey(key: $key) { insights {
    instances byStatus { status count } funnel { phase reached continued dropped }
    hops(by: $by) { from to count } dropOffs { phase reason device count }
  } }
}
"""
SENT = "{ sources { key accepted } }"
RETURNED = """
query($after: String) {
  instances(first: 100, after: $after, where: {journey: "sim-buying", status: [RETURNED]}) {
    edges { node { key dropOff { reason } } } pageInfo { hasNextPage endCursor }
  }
}
"""


SHAPES = ["sqlite", "postgresql"]


@pytest.fixture(
    scope="module", params=[pytest.param(shape, marks=pytest.mark.xdist_group(f"demo {shape}")) for shape in SHAPES]
)
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: PostgresServer
) -> Iterator[Platform]:
    """The demo wants one address, as there is in one process or behind an ingress."""
    with one_process_on(request.param, tmp_path_factory.mktemp("platform"), postgresql) as running:
        yield running


@pytest.fixture(scope="module")
def said(platform: Platform) -> str:
    """What the command says that loads the history."""
    finished = klantreis(platform, *ONCE)
    assert (finished.status, finished.err) == (0, "")
    return finished.out


@pytest.fixture(scope="module")
def books() -> Ledger:
    return Simulation(SEED, DAYS, CUSTOMERS).ledger


def insights(platform: Platform, key: str) -> dict[str, Any]:
    found: dict[str, Any] = platform.graphql(INSIGHTS, key=key)["journey"]["insights"]
    return found


def statuses(shown: dict[str, Any]) -> dict[str, int]:
    return {one["status"]: one["count"] for one in shown["byStatus"]}


def test_all_of_history_is_taken(platform: Platform, said: str) -> None:
    events = len(list(Simulation(SEED, DAYS, CUSTOMERS).history))
    assert re.search(rf"^{events} events of 400 simulated customers in 40 days: .* s, 0 refused\.$", said, re.MULTILINE)


def test_the_checkout_is_as_it_was_played(platform: Platform, said: str, books: Ledger) -> None:
    shown = insights(platform, CHECKOUT)
    ordered = sum(count for run, count in books.checkouts.items() if run.reason is None)
    assert statuses(shown) == {"COMPLETED": ordered, "ABANDONED": books.checkouts.total() - ordered}
    found = Counter({Checkout(one["device"], one["phase"], one["reason"]): one["count"] for one in shown["dropOffs"]})
    assert found == Counter({run: count for run, count in books.checkouts.items() if run.reason is not None})
    phases = ["cart", "details", "delivery", "payment", "ordered"]
    furthest = Counter[str]()
    for run, count in books.checkouts.items():
        furthest[run.phase] += count
    reached = [sum(furthest[later] for later in phases[place:]) for place in range(5)]
    assert [(one["phase"], one["reached"]) for one in shown["funnel"]] == list(zip(phases, reached, strict=True))


def test_phones_are_where_delivery_cost_hurts(platform: Platform, said: str) -> None:
    shown = insights(platform, CHECKOUT)["dropOffs"]
    by_device = {one["device"]: one["count"] for one in shown if one["reason"] == "EXTRA_COST"}
    assert by_device["mobile"] > 2 * by_device["desktop"]


def test_what_the_map_believes_is_refuted(platform: Platform, said: str) -> None:
    found = re.search(r"miss their way to pay\.” Claimed 40%, seen (\d+)% of (\d+)", said)
    assert found
    shown = insights(platform, CHECKOUT)
    lost = statuses(shown)["ABANDONED"]
    missed = sum(one["count"] for one in shown["dropOffs"] if one["reason"] == "PAYMENT_OPTIONS")
    assert found.groups() == (f"{missed / lost * 100:.0f}", str(lost))
    assert missed / lost < 0.25


def test_orders_end_as_they_were_played(platform: Platform, said: str, books: Ledger) -> None:
    found = statuses(insights(platform, BUYING))
    undone = Counter(one.status for one in books.undone.values())
    assert found["COMPLETED"] == len(books.orders) - len(books.undone)
    assert {status: found.get(status, 0) for status in ("CANCELLED", "RETURNED")} == {
        status: undone[status] for status in ("CANCELLED", "RETURNED")
    }


def test_returns_are_those_that_were_played(platform: Platform, said: str, books: Ledger) -> None:
    listed = platform.graphql(RETURNED)["instances"]
    assert not listed["pageInfo"]["hasNextPage"]
    assert {edge["node"]["key"]: edge["node"]["dropOff"]["reason"] for edge in listed["edges"]} == {
        order: one.reason for order, one in books.undone.items() if one.status == "RETURNED"
    }


def test_channels_are_changed_as_it_was_played(platform: Platform, said: str, books: Ledger) -> None:
    found = {Hop(one["from"], one["to"]): one["count"] for one in insights(platform, BUYING)["hops"]}
    assert found == dict(books.hops)
    assert found[Hop("web", "shop")] > 10


def test_complaints_are_solved_as_it_was_played(platform: Platform, said: str, books: Ledger) -> None:
    shown = insights(platform, SERVICE)
    assert (shown["instances"], statuses(shown)["COMPLETED"]) == (len(books.complaints), len(books.solved))


def test_what_to_look_at_can_be_copied(platform: Platform, said: str) -> None:
    commands = re.findall(r"^(?:KEY=|curl ).*$", said, re.MULTILINE)
    assert len(commands) == 6
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\necho\n".join(commands)], capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    answers = [json.loads(line) for line in finished.stdout.splitlines() if line]
    assert [list(answer) for answer in answers] == [["data"]] * 5
    drop_offs = insights(platform, CHECKOUT)["dropOffs"]
    assert answers[0]["data"]["journey"]["insights"]["dropOffs"] == drop_offs
    # One customer, known on two devices, whose history is one
    traveller = answers[-1]["data"]["customer"]
    types = [one["type"] for one in traveller["identifiers"]]
    assert sorted(types) == ["anonymous_id", "anonymous_id", "email", "user_id"]
    assert traveller["persona"]["personaKey"] in ("sim-gift", "sim-quality", "sim-value")


def test_the_second_time_nothing_is_loaded_twice(platform: Platform, said: str) -> None:
    before = insights(platform, BUYING)["instances"]
    again = klantreis(platform, *ONCE)
    assert (again.status, again.err) == (0, "")
    assert again.lines[0] == "History was loaded before, for seed 3; new customers come from now on."
    assert insights(platform, BUYING)["instances"] == before


def test_what_was_interrupted_is_finished(platform: Platform, said: str) -> None:
    # Given a run that was ended when half of its history was loaded
    simulation = Simulation(9, 20, 5)
    calls = list(simulation.history)
    began = system_clock() - 3_600_000_000
    asyncio.run(load(platform, calls[: len(calls) // 2], Opened(began, 20, 5, is_loaded=False)))
    before = platform.graphql(SENT)["sources"]
    # When the command is given again
    again = klantreis(platform, "demo", "--once", "--seed", 9)
    # Then what it had begun is finished, as it would have been
    assert (again.status, again.err) == (0, "")
    assert again.lines[0].startswith(f"{len(calls)} events of 100 simulated customers in 20 days: ")
    assert sum_of(platform.graphql(SENT)["sources"]) - sum_of(before) == len(calls) - len(calls) // 2


async def load(platform: Platform, calls: list[Call], opened: Opened) -> None:
    speaker = Speaker(platform.intake_url, platform.credentials["adminKey"])
    try:
        await note_opened(speaker, 9, opened)
        await load_history(speaker, calls, opened.began, lambda _sent: None)
    finally:
        await speaker.close()
    await asyncio.to_thread(platform.settle)


def sum_of(sources: list[dict[str, Any]]) -> int:
    """Different events of the shop's sources."""
    return sum(source["accepted"] for source in sources if source["key"].startswith("sim-"))


def test_it_goes_on_until_somebody_has_seen_enough(platform: Platform, said: str, tmp_path: Path) -> None:
    before = insights(platform, BUYING)["instances"]
    with running_demo(platform, tmp_path / "told", "--seed", SEED) as demo:
        until(lambda: demo.events_sent, 40, "customers come")
        until(lambda: insights(platform, BUYING)["instances"] > before, 20, "customers are seen")
    assert ", 0 refused." in demo.told
    assert demo.told.splitlines()[-1] == CLOSED


def test_where_nothing_runs_a_platform_is_started_beside_what_is_real(tmp_path: Path) -> None:
    port = free_port()
    finished = subprocess.run(
        [str(COMMAND), *map(str, ONCE), "--days", "2", "--url", f"http://127.0.0.1:{port}"],
        env=os.environ | {"KLANTREIS_DATA": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    folder = tmp_path / "demo"
    lines = finished.stdout.splitlines()
    assert lines[0] == (
        f"Nothing runs at http://127.0.0.1:{port}: starting a platform there, which keeps its data in {folder}."
    )
    assert lines[-1] == f"The platform has ended with the demo. To look around: KLANTREIS_DATA={folder} klantreis up"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_elsewhere_none_is_started(tmp_path: Path) -> None:
    finished = subprocess.run(
        [str(COMMAND), "demo", "--once", "--url", "http://shop.invalid", "--key", "sk_x"],
        env=os.environ | {"KLANTREIS_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == os.EX_TEMPFAIL
    assert finished.stderr.startswith("Nothing answers at http://shop.invalid. Start the platform there")
    assert list(tmp_path.iterdir()) == []


def test_the_shop_opens_among_real_customers_only_if_that_is_said(tmp_path: Path) -> None:
    few = ("demo", "--once", "--days", 1, "--customers", 1)
    with one_process(tmp_path) as platform:
        # Given a platform that has an event of somebody real
        assert platform.send("/v1/track", {"userId": "ada", "event": "Order Completed"}).status_code == 200
        platform.settle()
        # Then the shop is not opened there without a word, and leaves nothing behind
        refused = klantreis(platform, *few)
        assert (refused.status, refused.err) == (
            75,
            f"The platform at {platform.intake_url} has events of website, and simulated ones would stay among them"
            " for ever. Say --here if that is all right, or name a free --url: a platform is started there.\n",
        )
        assert [source["key"] for source in platform.graphql(SENT)["sources"]] == ["api", "website"]
        # Once it was, nothing is asked any more
        assert klantreis(platform, *few, "--here").status == 0
        assert klantreis(platform, *few).status == 0
