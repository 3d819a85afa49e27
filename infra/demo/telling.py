"""How a visit is told: the calls that the shop's systems make while it lasts, and what the books say of it. Pure.

Moments are whole seconds since the demo began; history has negative ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from infra.demo.customers import Customer
from infra.demo.facts import Fact, Hop
from infra.demo.shop import Device, Source

CHANNELS = {
    Source.WEBSITE: "web",
    Source.APP: "app",
    Source.MAIL: "email",
    Source.CALLS: "phone",
    Source.STORE: "shop",
}
"""The default channels of the sources."""
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Call(NamedTuple):
    """A Segment call that is to be made."""

    at: int
    source: Source
    body: dict[str, Any]
    """As it goes over the wire, but for its time."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What belongs together: all of it lies in history, or none."""

    calls: tuple[Call, ...]
    facts: tuple[Fact, ...]

    @property
    def ends(self) -> int:
        return self.calls[-1].at


@dataclass(slots=True)
class Teller:
    """Tells the life of one customer, visit by visit."""

    customer: Customer
    chance: Random
    now: int
    device: Device = field(init=False)
    visits: list[Visit] = field(default_factory=list)
    logged_in: bool = False
    mail_known: bool = False
    channel: str | None = None
    """Of the last contact of the journey that is under way."""
    _calls: list[Call] = field(default_factory=list)
    _facts: list[Fact] = field(default_factory=list)
    _said: int = 0

    def __post_init__(self) -> None:
        self.device = self.customer.device

    @contextmanager
    def visit(self) -> Iterator[None]:
        """All that is told within is one visit."""
        yield
        self.visits.append(Visit(tuple(self._calls), tuple(self._facts)))
        self._calls, self._facts = [], []

    def later(self, least: int, most: int) -> None:
        """Some seconds pass."""
        self.now += self.chance.randint(least, most)

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    def book(self, fact: Fact) -> None:
        self._facts.append(fact)

    def does(self, name: str, /, **properties: Any) -> None:
        """Something on the device that the customer has at hand; a few seconds after what came before."""
        channel: str | None = properties.pop("channel", None)
        context = dict(self.device.context) | ({} if channel is None else {"channel": channel})
        self._touches(channel or CHANNELS[self.device.source])
        self._says(self.device.source, "track", event=name, properties=properties, context=context, **self._who())

    def arrives(self, medium: str) -> None:
        """On a page of the website, by a campaign."""
        self._touches(CHANNELS[self.device.source])
        context = dict(self.device.context) | {"campaign": {"medium": medium, "name": "simulated-season"}}
        self._says(self.device.source, "page", name="Home", context=context, **self._who())

    def is_known(self, source: Source, name: str, /, **properties: Any) -> None:
        """Something that another system than the device tells about a known customer."""
        channel: str | None = properties.pop("channel", None)
        self._touches(channel or CHANNELS[source])
        self.is_noted(source, name, channel=channel, **properties)

    def is_noted(self, source: Source, name: str, /, **properties: Any) -> None:
        """The same, but it is no contact on the journey of buying."""
        channel: str | None = properties.pop("channel", None)
        # Of the other systems only a mail sees the device on which it is read.
        context = dict(self.device.context) if name == "Email Link Clicked" else {}
        if channel is not None:
            context["channel"] = channel
        who = {"userId": self.customer.key} if self.logged_in else self._who()
        self._says(source, "track", event=name, properties=properties, context=context, **who)

    def logs_in(self) -> None:
        """From now on this device knows whose it is."""
        self.logged_in = self.mail_known = True
        self._says(
            self.device.source, "identify", traits=self.customer.traits, context=self.device.context, **self._who()
        )

    def leaves_mail_address(self) -> None:
        """Without logging in."""
        self.mail_known = True
        traits = {"email": self.customer.email, "simulated": True}
        self._says(self.device.source, "identify", traits=traits, context=self.device.context, **self._who())

    def _who(self) -> dict[str, str]:
        anonymous = {"anonymousId": self.customer.browser(self.device)}
        return anonymous | ({"userId": self.customer.key} if self.logged_in else {})

    def _touches(self, channel: str) -> None:
        if self.channel not in (None, channel):
            self.book(Hop(str(self.channel), channel))
        self.channel = channel

    def _says(self, source: Source, kind: str, **body: Any) -> None:
        self._said += 1
        body = {"type": kind, "messageId": f"{self.customer.key}-{self._said}"} | body
        self._calls.append(Call(self.now, source, body))
        self.later(3, 35)
