"""What customers of a web shop do, in the words of Segment's ecommerce specification."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
PRODUCT: Json = {"product_id": "507f1f77", "sku": "G-32", "name": "Monopoly", "category": "Games", "price": 18.99}


def order(order_id: str, *, shipping: float = 0, value: float = 50, **more: Any) -> Json:
    return {
        "order_id": order_id,
        "value": value,
        "total": value,
        "shipping": shipping,
        "currency": "EUR",
        "products": [PRODUCT | {"quantity": 1}],
    } | more


def looks(term: str = "games") -> list[tuple[str, Json]]:
    return [
        ("Products Searched", {"query": term}),
        ("Product List Viewed", {"list_id": "games", "category": "Games", "products": [PRODUCT]}),
        ("Product Clicked", PRODUCT | {"position": 1}),
        ("Product Viewed", PRODUCT),
    ]


def fills_cart() -> list[tuple[str, Json]]:
    return [
        ("Product Added", PRODUCT | {"cart_id": "c-1", "quantity": 1}),
        ("Cart Viewed", {"cart_id": "c-1", "products": [PRODUCT]}),
    ]


def checks_out(order_id: str) -> list[tuple[str, Json]]:
    chosen = {"checkout_id": "k-1", "shipping_method": "PostNL", "payment_method": "iDEAL"}
    return [
        ("Coupon Applied", {"order_id": order_id, "coupon_id": "may", "discount": 2.5}),
        ("Checkout Started", order(order_id)),
        ("Checkout Step Viewed", {"checkout_id": "k-1", "step": 1}),
        ("Checkout Step Completed", chosen | {"step": 1}),
        ("Payment Info Entered", {**chosen, "order_id": order_id}),
        ("Order Completed", order(order_id)),
    ]


SHOP_DAY: dict[str, list[tuple[str, Json]]] = {
    "anna buys": [
        ("Promotion Viewed", {"promotion_id": "p-1"}),
        *looks(),
        *fills_cart(),
        *checks_out("A-1"),
    ],
    "bram saves it for later": [*looks(), ("Product Added to Wishlist", PRODUCT | {"wishlist_id": "w-1"})],
    "carla finds delivery too dear": [
        *looks(),
        *fills_cart(),
        ("Checkout Started", order("C-1", shipping=6.95, value=19)),
    ],
    "daan cannot pay his way": [
        ("Checkout Started", order("D-1")),
        ("Checkout Step Completed", {"checkout_id": "k-2", "step": 2, "shipping_method": "PostNL"}),
        ("Checkout Step Viewed", {"checkout_id": "k-2", "step": 3, "shipping_method": "PostNL"}),
    ],
    "eva is not told when it comes": [
        ("Checkout Started", order("E-1")),
        ("Checkout Step Viewed", {"checkout_id": "k-3", "step": 2}),
    ],
    "finn has a question": [*looks(), ("Live Chat Conversation Started", {"conversation_id": "v-1"})],
    "gijs is told twice, and cancelled": [
        *checks_out("G-1"),
        ("Order Completed", order("G-1")),
        ("Order Cancelled", order("G-1", reason="inventory")),
        ("Order Refunded", {"order_id": "G-1"}),
    ],
    "hanna sends it back": [
        *checks_out("H-1"),
        ("Order Delivered", {"order_id": "H-1"}),
        ("Order Refunded", order("H-1", reason="size_too_small")),
    ],
    "ivo buys and looks again": [*checks_out("I-1"), *looks("puzzles")],
    "jet receives and tells": [
        *checks_out("J-1"),
        ("Order Shipped", {"order_id": "J-1"}),
        ("Order Delivered", {"order_id": "J-1"}),
        ("Product Reviewed", {"product_id": "507f1f77", "review_id": "r-1", "rating": "5"}),
    ],
}
"""By customer: what they do, one thing after the other, each with its properties."""
