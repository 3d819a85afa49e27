"""What rules mean, one line each, over the same order event."""

from types import MappingProxyType

import pytest

from infra.rules import parse_rule
from tests.rules.builders import ORDER, Event

TRUE = r"""
true
!false
name == "Order Completed" && properties.total > 100
name in ["Product Viewed", "Order Completed"] && channel == "web"
kind == "track" && source == 'website' && context.page.path == "/shop/shoes.html" && traits.city != "Leiden"
false || properties.gift // the rest of the line is a comment
!(properties.x == 1)
!(properties.x != 1)
!(properties.x.y.z == 1)
!properties.x
!properties.text
!properties.total
!properties.x.y
properties.total == 120.0
120.0 == properties.total
properties.total != 120.5
properties.counts[1] == 2
properties.huge > 1
properties.huge > 1.5
properties.huge != 1
properties.huge == properties.huge
1 == 1.0 && 1u == 1 && 0x10 == 16
properties.coupon == null
null == properties.coupon
properties.total != null
!(properties.x == null)
!(properties.x != null)
properties.gift == true
properties.paid == false
properties.paid != true
properties.paid < properties.gift
(properties.total > 100) == true
(properties.x > 100) == false
properties.currency > "EUQ" && properties.currency >= "EUR" && properties.currency <= "EUR" && "A" < properties.currency
properties.tags == ["fair", "shop"]
properties.tags != ["fair"]
properties.shipping == properties.shipping
properties.items[0] == properties.items[0]
properties.nothing == []
properties.counts == [1, 2, true]
properties.counts != [1, 2, 1]
properties["a b"] == 1
properties["total"] == 120
properties.items[0].sku == "A"
properties.items[1]["price"] == 20.5
traits[properties.x == 1 ? "x" : "city"] == "Utrecht"
"fair" in properties.tags
2 in properties.counts
true in properties.counts
properties.total in [1, 120.0]
properties.currency in ["USD", "EUR"]
properties.coupon in [null, "x"]
properties.total in ["x", 120]
properties.total in [properties.discount, properties.total]
"total" in properties
"method" in properties.shipping
properties.currency + "s" in ["EURs"]
properties.city in [traits.city, "Zoetermeer ☀"]
!(properties.x in [1, 2])
!("x" in properties.x)
!(properties.items in ["x"])
has(properties.coupon)
has(context.page.path)
!has(properties.x)
!has(properties.x.y)
!has(properties.currency.x)
properties.items.exists(i, i.sku == "B")
properties.items.all(i, i.price > 20)
properties.items.exists(i, i.tags.exists(t, t == "y"))
properties.shipping.exists(k, k == "days")
properties.exists(k, k.startsWith("ship"))
properties.shipping.all(k, k.size() > 3)
properties.nothing.all(x, false)
properties.empty.all(x, false)
["/shop", "/help"].exists(p, context.page.path.startsWith(p))
[1, 2].all(x, x < properties.total)
!properties.x.all(x, true)
!properties.x.exists(x, true)
!properties.total.all(x, true)
properties.items.all(i, i.price > 1 ? i.sku != "" : i.sku == "")
context.page.path.contains("/shoes")
context.page.path.startsWith("/shop")
context.page.path.endsWith(".html")
context.page.path.contains(properties.items[1].tags.size() == 0 ? "shoes" : "x")
traits.interests.exists(i, context.page.path.contains(i))
context.page.path.matches("^/shop/[a-z]+\\.html$")
context.page.path.matches(r"s[h]o")
name.matches("Order") && name.contains("Comp") && "a.b".contains(".")
properties.city.matches("☀$")
!properties.total.contains("1")
!properties.x.matches("")
!name.startsWith(properties.total)
size(properties.tags) == 2 && properties.tags.size() == 2
size(properties.city) == 12 && size("☀") == 1 && size(b"☀") == 3 && size(properties.shipping) == 2
size(properties) == 17
!(size(properties.total) >= 0)
properties.total + properties.discount == 132.5
properties.total - 20 == 100 && properties.total * 2 == 240 && properties.total / 50 == 2 && properties.total % 50 == 20
-7 / 2 == -3 && -7 % 3 == -1 && 7 / -2 == -3 && 7.0 / 2.0 == 3.5 && 7 / 2.0 == 3.5
-properties.total == -120 && - properties.discount == -12.5
1.0 / 0.0 > 5.0 && -1.0 / 0.0 < 5.0 && 0.0 / 0.0 != 0.0
properties.currency + "!" == "EUR!"
properties.tags + ["x"] == ["fair", "shop", "x"]
b"a" + b"\xff" == b"a\xff" && b"a" < b"b"
!(properties.total / 0 == 0)
!(properties.total % 0 != 0)
!(properties.total + "1" == "1201")
!(properties.total + properties.x > 0)
!(properties.huge + 1 > 0)
!(properties.huge * 2.0 > 0)
!(9223372036854775807 * 3 > 0)
!(-properties.currency == 1)
!(-properties.gift == 1)
!(properties.discount % 2 == 0)
properties.total > 100 ? properties.gift : properties.paid
(properties.x > 1 ? 1 : 2) == 2
(properties.gift ? properties.total : properties.x) == 120
!((properties.gift ? properties.x : properties.total) == 120)
duration("1h30m") == duration("90m") && duration("-1.5s") < duration("1ms") && duration("1us") > duration("10ns")
duration("1h") + duration("30m") - duration("15m") == duration("75m")
timestamp("2026-01-31T12:00:00+01:00") == timestamp("2026-01-31T11:00:00Z")
timestamp(properties.sent) < timestamp("2026-02-01T00:00:00Z")
timestamp(properties.sent) + duration("24h") >= timestamp("2026-02-01T11:00:00.000Z")
timestamp("2026-01-02T00:00:00Z") - timestamp("2026-01-01T00:00:00.5Z") < duration("24h")
!(timestamp(properties.city) < timestamp("2026-02-01T00:00:00Z"))
!(timestamp(properties.total) < timestamp("2026-02-01T00:00:00Z"))
!(timestamp("9999-12-31T00:00:00Z") + duration("48h") > timestamp("2026-02-01T00:00:00Z"))
"\u00e9\x41\101\n\U0001F600" == 'éA' + "A" + '\n😀'
'''a'b"c''' == "a'b\"c" && r"\d" == "\\d" && R'\\' == "\\\\"
channel == "web" && !(device == "web") && !(device != "web")
!(properties.x == device)
!(properties.coupon == device)
!(properties.coupon != device)
[channel] == ["web"]
!([device] == [null])
!([device] != ["x"])
"x" in [channel, "x"]
!("x" in [device, "x"])
"""

FALSE = r"""
false
properties.x
properties.x == 1
properties.x != 1
properties.x < 1
properties.x >= 1
properties.x != properties.y
properties.x == properties.x
properties.gift == 1
properties.gift != 1
1 == properties.gift
properties.gift > 0
properties.gift in [1, 2]
1 in [properties.gift]
properties.total == "120"
properties.total != "120"
properties.total > "1"
properties.currency > 1
properties.currency == properties.total
properties.currency != properties.total
properties.coupon != 1
properties.coupon != properties.total
properties.coupon < 1
properties.coupon == false
properties.coupon
properties.coupon != null
properties.items == "A"
properties.tags != properties.shipping
properties.tags < properties.tags
properties.shipping >= properties.shipping
properties.currency.length == 3
properties.items[2].sku != "A"
properties.items[-1].sku != "A"
properties.items["sku"] != "A"
properties.items[properties.gift].sku == "B"
properties.shipping[0] != 1
properties.x in ["x"]
"x" in properties
properties.total in properties
"fair" in properties.currency
"days" in properties.items
3 in properties.counts
properties.items.exists(i, i.sku == "C")
properties.items.all(i, i.sku == "A")
properties.nothing.exists(x, true)
properties.text
name == "order completed"
device == "mobile"
device.contains("m")
true ? false : true
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(TRUE))
def test_matches(text: str) -> None:
    assert parse_rule(text).matches(ORDER) is True


@pytest.mark.parametrize("text", lines(FALSE))
def test_does_not_match(text: str) -> None:
    assert parse_rule(text).matches(ORDER) is False


def test_a_rule_may_span_lines() -> None:
    rule = parse_rule('name == "Order Completed"\n  // large ones\n  && properties.total > 100\n')
    assert rule.matches(ORDER) is True


def test_strings_over_several_lines() -> None:
    assert parse_rule('properties.note == """a\nb"""').matches(Event(properties={"note": "a\nb"})) is True


def test_read_only_maps_are_maps() -> None:
    event = Event(properties=MappingProxyType({"a": 1}), traits=MappingProxyType({"a": 1.0}))
    for text in (
        "properties == traits",
        "size(properties) == 1",
        'properties.exists(k, k == "a")',
        '"a" in properties',
    ):
        assert parse_rule(text).matches(event) is True


def test_rules_are_equal_by_their_text() -> None:
    rule = parse_rule('name == "A"')
    assert rule == parse_rule('name == "A"')
    assert rule != parse_rule('name == "B"')
    assert repr(rule) == "Rule(text='name == \"A\"', names=frozenset({'A'}))"
