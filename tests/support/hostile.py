"""Documents that somebody sends to keep a GraphQL server busy, each with the code and the limit that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

CUSTOMER = '{ customer(identifier: {type: "a", value: "b"}) { %s } }'
_LARGE = 20_000


class Hostile(NamedTuple):
    text: str
    code: str
    limit: str | None = None
    """Which limit is named, if one is gone over."""


def _many(count: int, part: Callable[[int], str]) -> str:
    return " ".join(part(number) for number in range(count))


def overlapping(fragments: int, fields: str = "id traits") -> str:
    """Fragments that all select the same at one place: each is compared with each other."""
    spreads = _many(fragments, lambda n: f"...F{n}")
    return CUSTOMER % spreads + _many(fragments, lambda n: f" fragment F{n} on Customer {{ {fields} }}")


def nested(fragments: int, spreads: int) -> str:
    """Each fragment spreads the next one so many times: `spreads ** fragments` fields when written out."""
    chain = _many(fragments, lambda n: f"fragment F{n} on Customer {{ {f'...F{n + 1} ' * spreads} }}")
    return CUSTOMER % "...F0" + chain + f" fragment F{fragments} on Customer {{ id }}"


def _pages(levels: int) -> str:
    """Lists in lists: pages of customers' instances of customers' instances ..."""
    inside = "status"
    for _ in range(levels):
        inside = f"customer {{ instances(first: 100) {{ edges {{ node {{ {inside} }} }} }} }}"
    return f"{{ instances(first: 100) {{ edges {{ node {{ {inside} }} }} }} }}"


def _introspection(levels: int) -> str:
    inside = "name"
    for _ in range(levels):
        inside = f"fields {{ type {{ {inside} }} }}"
    return f"{{ __schema {{ types {{ {inside} }} }} }}"


def _limit(text: str, limit: str) -> Hostile:
    return Hostile(text, "LIMIT_EXCEEDED", limit)


def _invalid(text: str) -> Hostile:
    return Hostile(text, "GRAPHQL_VALIDATION_FAILED")


HOSTILE: dict[str, Hostile] = {
    "100,001 characters": _limit("{ projection { lag } }".ljust(100_001), "characters"),
    "20,000 fields with a body": _limit("{ " + "projection { lag } " * _LARGE + "}", "characters"),
    "20,000 duplicate fields": _limit(CUSTOMER % ("id " * _LARGE), "tokens"),
    "20,000 duplicate aliases": _limit(CUSTOMER % ("a:id " * _LARGE), "characters"),
    "20,000 arguments": _limit("{ instances(" + "a:1 " * _LARGE + ") { totalCount } }", "tokens"),
    "20,000 directives": _limit(CUSTOMER % ("id " + "@a " * _LARGE), "tokens"),
    "15,000 variables": _limit("query (" + "$a:I " * 15_000 + ") { instances { totalCount } }", "tokens"),
    "40,000 brackets": _limit("{ instances(where: {status: " + "[" * 40_000 + "}) { totalCount } }", "depth"),
    "900 nested lists": _limit("{ instances(where: {status: " + "[" * 900 + "]" * 900 + "}) { totalCount } }", "depth"),
    "600 nested objects": _limit("{ instances(where: " + "{a:" * 600 + "1" + "}" * 600 + ") { totalCount } }", "depth"),
    "900 nested list types": _limit(
        "query ($a: " + "[" * 900 + "Int" + "]" * 900 + ") { instances { totalCount } }", "depth"
    ),
    "900 nested fields": _limit("{ a " * 900 + "}" * 900, "depth"),
    "16 nested fields": _limit("{ a " * 16 + "}" * 16, "depth"),
    "900 nested inline fragments": _limit("{ ... " * 900 + "{ a }" + "}" * 900, "depth"),
    "600 operations": _limit(_many(600, lambda n: f"query Q{n} {{ a }}"), "tokens"),
    "50,000 comments": _limit("#\n" * 49_000 + "{ projection { lag } }", "comments"),
    "51 aliases": _limit(CUSTOMER % _many(51, lambda n: f"a{n}: id"), "aliases"),
    "500 aliases": _limit(CUSTOMER % _many(500, lambda n: f"a{n}: id"), "aliases"),
    "51 aliases at the root": _limit("{ " + _many(51, lambda n: f"a{n}: projection {{ lag }}") + " }", "aliases"),
    "21 fields at the root": _limit("{ " + _many(21, lambda n: f"a{n}: projection {{ lag }}") + " }", "root_fields"),
    "900 directives on one field": _limit(CUSTOMER % ("id " + "@a " * 900), "directives"),
    "51 directives, one on each fragment": _limit(
        CUSTOMER % _many(51, lambda n: "... @include(if: true) { id }"), "directives"
    ),
    "1,900 duplicate fields": _limit(CUSTOMER % ("id " * 1_900), "repeats"),
    "100 of a name in inline fragments": _limit(CUSTOMER % ("... { id } " * 100), "repeats"),
    "300 overlapping fragments": _limit(overlapping(300), "tokens"),
    "150 overlapping fragments": _limit(overlapping(150), "fragments"),
    "51 overlapping fragments": _limit(overlapping(51), "fragments"),
    "40 nested fragments, each spread thrice": _limit(nested(40, 3), "cost"),
    "30 nested fragments, each spread twenty times": _limit(nested(30, 20), "cost"),
    "4 nested lists": _limit(_pages(3), "depth"),
    "3 nested lists": _limit(_pages(2), "cost"),
    "6 nested lists of the schema": _invalid(_introspection(5)),
    "10 nested lists of the schema": _limit(_introspection(9), "depth"),
    "a fragment in itself": _invalid(CUSTOMER % "...A" + " fragment A on Customer { ...A }"),
    "50 fragments in a circle": _invalid(
        CUSTOMER % "...F0" + _many(50, lambda n: f" fragment F{n} on Customer {{ ...F{(n + 1) % 50} id }}")
    ),
    "50 fragments of one name": _invalid(
        CUSTOMER % "...A" + " fragment A on Customer { id }" * 50
    ),
    "600 fields that there are not": _invalid(CUSTOMER % _many(600, lambda n: f"nope{n}")),
    "400 variables that nobody uses": _invalid(
        "query (" + _many(400, lambda n: f"$a{n}: Int") + ") { instances { totalCount } }"
    ),
    "400 variables of one name": _invalid("query (" + "$a: Int " * 400 + ") { instances(first: $a) { totalCount } }"),
    "400 operations": _invalid("{ a } " * 400),
    "450 arguments of one name": _invalid("{ instances(" + "first: 1 " * 450 + ") { totalCount } }"),
    "450 members that there are not": _invalid(
        "{ instances(where: {" + _many(450, lambda n: f"a{n}: 1") + "}) { totalCount } }"
    ),
    "900 values of a list that are none of it": _invalid(
        "{ instances(where: {status: [" + _many(900, lambda n: f"S{n}") + "]}) { totalCount } }"
    ),
    "49 overlapping fragments and one of nothing": _invalid(
        overlapping(49, "id traits firstSeenAt lastSeenAt") + " fragment Odd on Nowhere { id }"
    ),
    "14 nested overlapping fields": _invalid(
        "{ " + "instances { edges { node { customer { " * 3 + "nope" + " } } } }" * 3 + " "
        + "instances { edges { node { customer { " * 3 + "nope" + " } } } }" * 3 + " }"
    ),
    "a name of 90,000 letters": _invalid(CUSTOMER % ("a" * 90_000)),
    "a text of 90,000 letters": _invalid('{ instances(where: {key: "' + "a" * 90_000 + '", nope: 1}) { totalCount } }'),
    "half a document": Hostile("{ customer(identifier: " * 200, "GRAPHQL_PARSE_FAILED"),
}  # fmt: skip
