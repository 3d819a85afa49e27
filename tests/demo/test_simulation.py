"""The simulated shop is the same for the same seed, and has in it what is to be found."""

from __future__ import annotations

from itertools import islice

import pytest

from infra.demo import shop
from infra.demo.calendar import QUIET, Simulation
from infra.demo.facts import Checkout
from infra.demo.script import life
from infra.demo.telling import DAY, Call


def small(seed: int = 7, **more: object) -> Simulation:
    return Simulation(seed, **({"days": 20, "customers": 10} | more))  # type: ignore[arg-type]


def coming(simulation: Simulation, count: int = 500) -> list[Call]:
    return list(islice(simulation.live(), count))


def test_the_same_seed_makes_the_same_calls() -> None:
    assert list(small().history) == list(small().history)
    assert coming(small()) == coming(small())
    assert small().ledger.checkouts == small().ledger.checkouts


def test_another_seed_or_another_run_is_about_other_customers() -> None:
    ids = [{call.body["messageId"] for call in one.history} for one in (small(7), small(8), small(7, tag="-b"))]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_a_customer_does_not_depend_on_the_others() -> None:
    """So that more customers a day, or more days, change nobody's life."""
    assert life("7", 12, 0) == life("7", 12, 0)
    later = life("7", 12, 500)
    assert [call._replace(at=call.at - 500) for visit in later for call in visit.calls] == [
        call for visit in life("7", 12, 0) for call in visit.calls
    ]


def test_every_call_has_its_own_message_id() -> None:
    simulation = small()
    ids = [call.body["messageId"] for call in [*simulation.history, *coming(simulation)]]
    assert len(ids) == len(set(ids))


def test_history_is_over_when_the_present_begins() -> None:
    simulation = small()
    past = list(simulation.history)
    assert max(call.at for call in past) < -QUIET
    assert min(call.at for call in past) >= -20 * DAY
    present = coming(simulation)
    assert [call.at for call in present] == sorted(call.at for call in present)


def test_whoever_was_on_the_way_goes_on_in_the_present() -> None:
    simulation = small()
    begun = {call.body.get("userId") for call in simulation.history} - {None}
    assert begun & {call.body.get("userId") for call in coming(simulation)}


def test_without_history_there_is_nothing_to_load() -> None:
    simulation = small(days=0)
    assert list(simulation.history) == []
    assert coming(simulation, 1)[0].at >= 0


def test_five_sources_send() -> None:
    assert {call.source for call in Simulation(7).history} == set(shop.Source)


def test_nobody_could_be_taken_for_real() -> None:
    for call in small().history:
        known = [call.body[name] for name in ("userId", "anonymousId") if name in call.body]
        assert known
        assert all(one.startswith("sim-7-") for one in known)
        email = call.body.get("traits", {}).get("email", "@simulated.example")
        assert email.endswith("@simulated.example")


@pytest.mark.parametrize("seed", range(1, 6))
def test_phones_lose_more_to_delivery_cost(seed: int) -> None:
    ledger = Simulation(seed).ledger
    assert ledger.share_lost("mobile", "EXTRA_COST") > 2 * ledger.share_lost("desktop", "EXTRA_COST")


@pytest.mark.parametrize("seed", range(1, 6))
def test_shoes_come_back(seed: int) -> None:
    ledger = Simulation(seed).ledger
    others = [ledger.share_returned(category) for category in shop.RETURNS if category != "Schoenen"]
    assert ledger.share_returned("Schoenen") > 1.5 * max(others)


def test_the_books_of_one_seed() -> None:
    """A change of the script shows here, and is then to be meant."""
    ledger = small().ledger
    assert ledger.checkouts == {
        Checkout("desktop", "cart", "UNCLEAR_INFORMATION"): 1,
        Checkout("desktop", "cart", "UNKNOWN"): 4,
        Checkout("desktop", "details", "EXTRA_COST"): 3,
        Checkout("desktop", "delivery", "DELIVERY_TIME"): 6,
        Checkout("desktop", "payment", "PAYMENT_OPTIONS"): 2,
        Checkout("desktop", "ordered", None): 29,
        Checkout("mobile", "cart", "UNCLEAR_INFORMATION"): 4,
        Checkout("mobile", "cart", "UNKNOWN"): 9,
        Checkout("mobile", "details", "EXTRA_COST"): 9,
        Checkout("mobile", "delivery", "DELIVERY_TIME"): 4,
        Checkout("mobile", "payment", "PAYMENT_OPTIONS"): 6,
        Checkout("mobile", "ordered", None): 30,
    }
    assert ledger.reasons == {("RETURNED", "UNCLEAR_INFORMATION"): 4}
    assert (len(ledger.orders), len(ledger.complaints), len(ledger.solved)) == (73, 3, 3)
