"""The lives of the simulated shop's customers, drawn by the probabilities of `shop`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.demo import shop
from infra.demo.customers import chance_of, draw_customer, drawn, drawn_or_none
from infra.demo.facts import Checkout, Complained, Ordered, Solved, Undone
from infra.demo.shop import Intent, Leaving, Product, Source
from infra.demo.telling import DAY, HOUR, MINUTE, Teller, Visit

LAST_PHASE: Mapping[Leaving, str] = {
    Leaving.DOUBT: "cart",
    Leaving.QUESTION: "cart",
    Leaving.COST: "details",
    Leaving.DELIVERY: "delivery",
    Leaving.PAYMENT: "payment",
}
"""How far whoever leaves for a reason has come on the map of the checkout."""


def life(seed: str, number: int, begins: int) -> list[Visit]:
    """All visits of the customer of that number, the first of which begins then."""
    chance = chance_of(seed, number)
    teller = Teller(draw_customer(seed, number, chance), chance, begins)
    need = Need(teller, 1)
    need.unfolds(drawn(chance, shop.INTENTS))
    if need.is_bought and teller.happens(shop.COMES_AGAIN):
        teller.later(12 * DAY, 25 * DAY)
        teller.channel = None
        Need(teller, 2).unfolds(Intent.BUY)
    return teller.visits


@dataclass
class Need:
    """One thing that a customer wants, from the first look to what comes after the order."""

    teller: Teller
    number: int
    is_bought: bool = False

    def __post_init__(self) -> None:
        self.product: Product = self.teller.chance.choice(shop.PRODUCTS)
        self.order = f"order-{self.teller.customer.key}-{self.number}"

    def unfolds(self, intent: Intent) -> None:
        match intent:
            case Intent.BROWSE:
                with self.teller.visit():
                    self._looks()
            case Intent.BUY:
                self._buys_online()
            case Intent.STORE:
                self._goes_to_the_store()
            case Intent.WISH:
                self._wishes()

    # --- before the order ---------------------------------------------------------------------------------------

    def _looks(self) -> None:
        teller, product = self.teller, _properties(self.product)
        if teller.device.source is Source.WEBSITE and teller.happens(0.25):
            teller.arrives(teller.chance.choice(["social", "cpc"]))
        if teller.happens(0.3):
            teller.does("Promotion Clicked", promotion_id="season", name="Simulated season")
        if teller.happens(0.5):
            teller.does("Products Searched", query=self.product.category.lower())
        teller.does("Product List Viewed", list_id=self.product.category, category=self.product.category)
        teller.does("Product Viewed", **product)
        if teller.happens(0.3):
            teller.does("Reviews Viewed", **product)
        if teller.happens(0.2):
            teller.does("Products Compared", **product)

    def _buys_online(self) -> None:
        teller = self.teller
        switches = not teller.logged_in and teller.happens(shop.SECOND_DEVICE)
        if switches:
            with teller.visit():
                self._looks()
                teller.leaves_mail_address()
            teller.later(5 * HOUR, 4 * DAY)
            teller.device = shop.OTHER_DEVICE[teller.device.kind]
        with teller.visit():
            if switches:
                teller.logs_in()
            self._looks()
            leaving = self._checks_out(shop.LEAVING[teller.device.kind])
        if leaving is not None:
            self._is_reminded()
        if self.is_bought:
            self._is_delivered()

    def _checks_out(self, likely: Mapping[Leaving, float]) -> Leaving | None:
        """Fills the cart and goes as far as it goes; why it was left, or None."""
        leaving = drawn_or_none(self.teller.chance, likely)
        self.teller.does("Product Added", **_properties(self.product), quantity=1)
        self.teller.does("Cart Viewed", products=[_properties(self.product)])
        self._pays_unless(leaving)
        return leaving

    def _pays_unless(self, leaving: Leaving | None) -> None:
        """From the cart to the order, or to where it is left."""
        phase = "ordered" if leaving is None else LAST_PHASE[leaving]
        reason = None if leaving is None else leaving.value
        self.teller.book(Checkout(self.teller.device.kind, phase, reason))
        if leaving is Leaving.QUESTION:
            self.teller.does("Live Chat Conversation Started", conversation_id=self.order, channel="chat")
        if phase != "cart":
            self._goes_through_steps(leaving)

    def _goes_through_steps(self, leaving: Leaving | None) -> None:
        teller, order = self.teller, _order(self.order, self.product)
        if not teller.logged_in:
            teller.logs_in()
        teller.does("Checkout Started", **order, shipping=shop.DELIVERY_COST)
        if leaving is Leaving.COST:
            return
        step = {"order_id": self.order, "step": 2}
        teller.does("Checkout Step Viewed", **step, delivery_days=9 if leaving is Leaving.DELIVERY else 2)
        if leaving is Leaving.DELIVERY:
            return
        chosen = {"order_id": self.order, "shipping_method": "Bezorgdienst"}
        teller.does("Checkout Step Completed", **chosen, step=2)
        teller.does("Checkout Step Viewed", **chosen, step=3)
        if leaving is Leaving.PAYMENT:
            if teller.happens(0.5):
                teller.does("Payment Failed", order_id=self.order, method="creditcard")
            return
        teller.does("Payment Info Entered", **chosen, payment_method="bankbetaling")
        teller.does("Order Completed", **order, shipping=shop.DELIVERY_COST)
        self._is_ordered("web" if teller.device.source is Source.WEBSITE else "app")

    def _is_ordered(self, channel: str) -> None:
        self.is_bought = True
        self.teller.book(Ordered(self.order, self.product.category, channel))

    def _is_reminded(self) -> None:
        """By the mail for whoever left a cart; it leads back to it."""
        teller = self.teller
        if not (teller.mail_known and teller.happens(shop.CLICKS_REMINDER)):
            return
        teller.later(20 * HOUR, 30 * HOUR)
        with teller.visit():
            teller.is_known(Source.MAIL, "Email Link Clicked", campaign_name="cart-reminder")
            teller.does("Cart Viewed", products=[_properties(self.product)])
            self._pays_unless(None if teller.happens(shop.ORDERS_AFTER_REMINDER) else Leaving.DOUBT)

    def _goes_to_the_store(self) -> None:
        teller = self.teller
        with teller.visit():
            self._looks()
            teller.logs_in()
            teller.does("Product Viewed", **_properties(self.product), stock="store")
        teller.later(3 * HOUR, 3 * DAY)
        with teller.visit():
            teller.is_known(Source.STORE, "Store Visited", store="Simulated High Street")
            if teller.happens(shop.BUYS_IN_STORE):
                teller.later(2 * MINUTE, 20 * MINUTE)
                teller.is_known(Source.STORE, "Order Completed", **_order(self.order, self.product))
                self._is_ordered("shop")

    def _wishes(self) -> None:
        teller = self.teller
        with teller.visit():
            self._looks()
            teller.logs_in()
            teller.does("Product Added to Wishlist", **_properties(self.product))
        if teller.happens(shop.COMES_BACK_FOR_WISH):
            teller.later(2 * DAY, 20 * DAY)
            self._buys_online()

    # --- behind the order ---------------------------------------------------------------------------------------

    def _is_delivered(self) -> None:
        teller = self.teller
        teller.later(6 * HOUR, 2 * DAY)
        with teller.visit():
            teller.is_known(Source.MAIL, "Order Shipped", order_id=self.order)
        late = teller.happens(shop.LATE)
        if late and teller.happens(shop.CANCELS_WHEN_LATE):
            teller.later(2 * DAY, 3 * DAY)
            self._is_undone("Order Cancelled", "CANCELLED", "late")
            return
        if late and teller.happens(shop.COMPLAINS_WHEN_LATE):
            teller.later(2 * DAY, 3 * DAY)
            self._complains()
        teller.later(5 * DAY if late else DAY, 6 * DAY if late else 2 * DAY)
        with teller.visit():
            teller.is_known(Source.WEBSITE, "Order Delivered", order_id=self.order, channel="post")
        self._keeps_or_returns()

    def _keeps_or_returns(self) -> None:
        teller, category = self.teller, self.product.category
        if teller.happens(shop.RETURNS[category]):
            teller.later(2 * DAY, 9 * DAY)
            self._is_undone("Order Refunded", "RETURNED", drawn(teller.chance, shop.RETURN_REASONS[category]))
        elif teller.happens(shop.REVIEWS):
            teller.later(4 * DAY, 14 * DAY)
            with teller.visit():
                teller.does("Product Reviewed", **_properties(self.product), order_id=self.order, rating=5)

    def _is_undone(self, name: str, status: str, reason: str) -> None:
        with self.teller.visit():
            self.teller.book(Undone(self.order, status, shop.WHY_UNDONE[reason]))
            self.teller.is_known(Source.WEBSITE, name, order_id=self.order, reason=reason)

    def _complains(self) -> None:
        teller, ticket = self.teller, f"ticket-{self.order}"
        about = {"order_id": self.order, "ticket_id": ticket, "about": "delivery"}
        with teller.visit():
            teller.book(Complained(ticket))
            if teller.happens(shop.COMPLAINS_BY_PHONE):
                teller.is_known(Source.CALLS, "Call Answered", **about)
            else:
                teller.is_known(Source.MAIL, "Support Ticket Opened", **about)
                if teller.happens(shop.CALLS_AFTER_MAIL):
                    teller.later(HOUR, 5 * HOUR)
                    teller.is_known(Source.CALLS, "Call Answered", **about)
        if teller.happens(shop.SOLVED):
            teller.later(2 * HOUR, 2 * DAY)
            with teller.visit():
                teller.book(Solved(ticket))
                teller.is_noted(Source.CALLS, "Support Ticket Solved", **about)


def _properties(product: Product) -> dict[str, Any]:
    return {"sku": product.sku, "name": product.name, "category": product.category, "price": product.price}


def _order(order: str, product: Product) -> dict[str, Any]:
    return {
        "order_id": order,
        "value": product.price,
        "currency": "EUR",
        "products": [_properties(product) | {"quantity": 1}],
    }
