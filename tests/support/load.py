"""Load with a memory: clients that retry as SDKs do, each with a ledger of what was acknowledged to it."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx

from tests.oracle import identity as identity_oracle
from tests.oracle import journey as journey_oracle
from tests.support.histories import plain_event
from tests.support.platform import Platform

Json = dict[str, Any]

NAMES = ["Product Viewed", "Checkout Started", "Order Completed", "Manual Opened", "Something Else"]
_CUSTOMERS_AT_ONCE = 6
_MOST_EVENTS_AT_ONCE = 9
_REPEATED = 0.05
"""How often a client sends again what was acknowledged, as one that never got the answer."""
_DAY_MILLISECONDS = 86_400_000
_PAUSE_SECONDS = 0.1


# --- What happens ----------------------------------------------------------------------------------------------------


def happenings(seed: int, client: str, lateness: float = 3) -> Iterator[Json]:
    """What the customers of one client do, in the order in which it is heard of: endless, the same for a seed.

    Up to `lateness` later events of a customer are heard before one; with enough of them who is who is learned last.
    """
    rng = random.Random(f"{seed} {client}")
    numbers = itertools.count()
    active: list[list[Json]] = [[] for _ in range(_CUSTOMERS_AT_ONCE)]
    while True:
        heard = rng.choice(active)
        if not heard:
            heard.extend(_visits(rng, f"{client}.{next(numbers)}", lateness))
        yield heard.pop()


def _visits(rng: random.Random, customer: str, lateness: float) -> list[Json]:
    """One customer over some weeks, known by name from somewhere on; the last heard first, and some heard late."""
    count = rng.randint(6, 24)
    known_from = rng.randrange(count)
    known_by = rng.choice(["Identify", "Identify", "Alias"])
    at = _now_milliseconds() - 90 * _DAY_MILLISECONDS
    heard: list[tuple[float, Json]] = []
    for number in range(count):
        at += int(rng.lognormvariate(17, 2))  # a median of 7 hours, now and then more than a week
        at = min(at, _now_milliseconds() - count + number)
        visitor, user = ("anonymous_id", f"v.{customer}"), ("user_id", f"u.{customer}")
        more: Json = {"source": "website", "verified": False, "properties": {"number": number}}
        identifiers = [user] * (number >= known_from) + [visitor] * (number <= known_from)
        name = known_by if number == known_from else rng.choice(NAMES)
        if name == "Identify":
            more |= {"kind": "identify", "traits": {"number": number}, "properties": {}}
        elif name == "Alias":  # it does not say what the previous id was; without proof, two users stay two
            more |= {"kind": "alias", "properties": {}}
            identifiers = [user, ("user_id", visitor[1]), visitor]
        event = plain_event(f"{customer}.{number}", name, at * 1_000, identifiers=identifiers, **more)
        heard.append((number + rng.uniform(0, lateness), event))
    return [event for _when, event in sorted(heard, key=lambda pair: -pair[0])]


def wire(event: Json) -> Json:
    """A call of the Segment form that means this event."""
    call = {"type": event["kind"], "messageId": event["messageId"], "timestamp": _text_of(event["occurredAt"])}
    if event["kind"] == "alias":
        (_user, user), (_previous, previous), _anonymous = event["identifiers"]
        return call | {"userId": user, "previousId": previous}
    fields = {"anonymous_id": "anonymousId", "user_id": "userId"}
    call |= {fields[type]: value for type, value in event["identifiers"]}
    if event["kind"] == "identify":
        return call | {"traits": event["traits"]}
    return call | {"event": event["name"], "properties": event["properties"]}


def customers_of(versions: list[Json], events: Sequence[Json], now: int) -> list[Json]:
    """The customers behind these events, each with its instances at `now`, as the oracles see them."""
    by_id = {event["messageId"]: event for event in events}
    return [
        customer | {"instances": journey_oracle.fold(versions, [by_id[id] for id in customer["events"]], now)}
        for customer in identity_oracle.customers(list(events))
    ]


def _text_of(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="milliseconds")


def _now_milliseconds() -> int:
    return time.time_ns() // 1_000_000


# --- Clients ---------------------------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """What came of sending once."""

    position: str | None
    """Where it was logged; None when it was not acknowledged."""
    wait: float = 0.0
    """How many seconds to wait before the next attempt."""


@dataclass
class Ledger:
    """What one client knows: nothing here comes from the platform but its answers."""

    sent: dict[str, Json] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    """How often each status was answered, or the name of what went wrong on the way."""
    improper: list[str] = field(default_factory=list)
    """Answers that no client should get: neither 200 nor a 503 that says when to try again."""


class Sender:
    """Sends events with the write key, once a call; repeating is its owner's decision."""

    def __init__(self, platform: Platform) -> None:
        self.ledger = Ledger()
        self._url = f"{platform.intake_url}/v1/batch"
        self._http = httpx.Client(auth=(platform.credentials["writeKey"], ""), timeout=httpx.Timeout(15, connect=2))

    def close(self) -> None:
        self._http.close()

    def attempt(self, events: Sequence[Json]) -> Attempt:
        self.ledger.sent |= {event["messageId"]: event for event in events}
        try:
            response = self._http.post(self._url, json={"batch": [wire(event) for event in events]})
        except httpx.HTTPError as error:
            self.ledger.answers[type(error).__name__] += 1
            return Attempt(None, _PAUSE_SECONDS)
        self.ledger.answers[str(response.status_code)] += 1
        if not _is_proper(response):
            self.ledger.improper.append(f"{response.status_code} {response.headers} {response.text[:300]}")
        if response.status_code == 200:
            self.ledger.acknowledged |= {event["messageId"] for event in events}
            return Attempt(response.json()["position"])
        return Attempt(None, float(response.headers.get("Retry-After", _PAUSE_SECONDS)))


def _is_proper(response: httpx.Response) -> bool:
    answer = response.json()
    if response.status_code == 200:
        return bool(answer["success"] is True and answer["results"] == [] and answer["position"])
    return (
        response.status_code == 503
        and int(response.headers["Retry-After"]) > 0
        and response.headers["Content-Type"] == "application/problem+json"
        and isinstance(answer["code"], str)
        and isinstance(answer["message"], str)
    )


class Probe(Sender):
    """A client beside the load that finds out when the platform serves again."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._numbers = itertools.count()

    def write(self) -> tuple[str, str] | None:
        """A new customer's first event: who that is and the position, or None while it is not acknowledged."""
        customer = f"probe.{next(self._numbers)}"
        more: Json = {"source": "website", "verified": False, "identifiers": [("user_id", customer)]}
        event = plain_event(f"{customer}.0", NAMES[0], (_now_milliseconds() - 1_000) * 1_000, **more)
        position = self.attempt([event]).position
        return (customer, position) if position else None


class Load:
    """`clients` clients that together send `rate` events a second. Opened it starts, closed it stops at once."""

    def __init__(
        self, platform: Platform, seed: int, *, clients: int = 8, rate: float = 300.0, lateness: float = 3
    ) -> None:
        self._lateness = lateness
        self._rate = rate / clients
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._senders = [Sender(platform) for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._send, args=(sender, seed, f"c{number}"), name=f"client {number}")
            for number, sender in enumerate(self._senders)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._stopped.set()
        with ExitStack() as stack:
            for thread, sender in zip(self._threads, self._senders, strict=True):
                stack.callback(sender.close)
                stack.callback(thread.join)

    @property
    def ledgers(self) -> list[Ledger]:
        return [sender.ledger for sender in self._senders]

    @property
    def acknowledged(self) -> int:
        return sum(len(ledger.acknowledged) for ledger in self.ledgers)

    def finish(self, seconds: float) -> None:
        """Begins nothing new and waits until everything sent is acknowledged."""
        self._ended.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), f"{thread.name} is not told 200 within {seconds} s"

    def _send(self, sender: Sender, seed: int, name: str) -> None:
        rng = random.Random(f"{seed} {name} batches")
        events = happenings(seed, name, self._lateness)
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            batch = list(itertools.islice(events, rng.randint(1, _MOST_EVENTS_AT_ONCE)))
            due += len(batch) / self._rate
            self._deliver(sender, batch)
            if rng.random() < _REPEATED:
                self._deliver(sender, batch)

    def _deliver(self, sender: Sender, batch: Sequence[Json]) -> None:
        """Again and again, until it is acknowledged or the client itself is stopped."""
        while not self._stopped.is_set():
            attempt = sender.attempt(batch)
            if attempt.position or self._stopped.wait(attempt.wait):
                return
