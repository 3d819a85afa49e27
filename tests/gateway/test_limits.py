"""Limits on documents: what passes, what does not, and that the work stays linear."""

from __future__ import annotations

import pytest
from graphql import get_introspection_query, parse

from gateway.documents import Documents
from gateway.limits import Limits, check
from gateway.schema import create_schema
from tests.gateway.harness import Gateway
from tests.support.hostile import CUSTOMER, nested, overlapping

SCHEMA = create_schema().core
QUERY = "{ %s }"
DEEP = "{ a %s b %s }"
SPREAD = "{ a %s ...F %s } fragment F on Customer { a { a { a } } }"
ROOT_FIELDS = " ".join(f"a{n}: projection {{ lag }}" for n in range(21))


def refusal(text: str, limits: Limits | None = None) -> tuple[str, int] | None:
    """Which limit a document goes over, and what is allowed; None when it may be executed."""
    prepared = Documents(SCHEMA, limits or Limits()).prepare(text)
    if prepared.document is not None:
        return None
    [error] = prepared.errors
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED", error
    return error["extensions"]["limit"], error["extensions"]["allowed"]


def work(text: str) -> int:
    return check(
        parse(text), SCHEMA, Limits(cost=10**100, fragments=10**6, repeats=10**6, aliases=10**6, root_fields=10**6)
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (QUERY % ("projection { lag } " * 20_000), ("characters", 100_000)),
        (CUSTOMER % ("id " * 20_000), ("tokens", 2_000)),
        (CUSTOMER % ("id " * 21), ("repeats", 20)),
        (CUSTOMER % ("a: id ... { a: id } " * 11), ("repeats", 20)),
        (overlapping(300), ("tokens", 2_000)),
        (overlapping(51), ("fragments", 50)),
        (nested(40, 3), ("cost", 250_000)),
        ("#\n" * 1_001 + "{ projection { lag } }", ("comments", 1_000)),
        (QUERY % ROOT_FIELDS, ("root_fields", 20)),
        ("{ ...F } fragment F on Query " + QUERY % ROOT_FIELDS, ("root_fields", 20)),
        (CUSTOMER % " ".join(f"a{n}: id" for n in range(51)), ("aliases", 50)),
        (CUSTOMER % ("id " + "@include(if: true) " * 51), ("directives", 50)),
        (DEEP % ("{ a " * 15, "}" * 15), ("depth", 15)),
        (SPREAD % ("{ a " * 13, "}" * 13), ("depth", 15)),
        (DEEP % ("{ a " * 600, "}" * 600), ("depth", 15)),
    ],
)  # fmt: skip
def test_what_goes_over_a_limit_is_refused_with_its_name(text: str, limit: tuple[str, int]) -> None:
    assert refusal(text) == limit


@pytest.mark.parametrize(
    "text",
    [
        CUSTOMER % ("id " * 20),
        CUSTOMER % " ".join(f"a{n}: id" for n in range(50)),
        overlapping(50),
        get_introspection_query(input_value_deprecation=True, specified_by_url=True, schema_description=True),
        # a page of pages
        """query ($n: Int) { instances(first: 100) { edges { node { status phase { key }
            steps(first: $n) { edges { node { touchpoint { key name } phase { key name } direction channel
                occurredAt event { id name } } } } } } } }""",
        # a whole map with all its versions
        """{ journey(key: "a") { versions { phases { touchpoints { lanes { evidence { rung summary } } } } } } }""",
    ],
)
def test_what_clients_really_ask_passes(text: str) -> None:
    assert refusal(text) is None


PAGES = """{ instances(first: %s) { edges { node { customer { instances(first: %s) { edges { node {
    steps(first: %s) { edges { node { direction } } } } } } } } } } }"""


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [
        (("100", "100", "100"), ("cost", 250_000)),
        (("$a", "$a", "$a"), ("cost", 250_000)),
        (("100000", "99999999999999999999", "100000"), ("cost", 250_000)),
        (("10", "10", "10"), None),
    ],
)
def test_pages_of_pages_of_pages(sizes: tuple[str, ...], limit: tuple[str, int] | None) -> None:
    """A variable is taken for the largest page, so the outcome does not depend on its value."""
    query = PAGES % sizes
    assert refusal(query.replace("{ instances", "query ($a: Int) { instances", 1) if "$" in query else query) == limit


@pytest.mark.parametrize("text", [
    CUSTOMER % "...A" + " fragment A on Customer { " + "id " * 1_900 + "} fragment A on Customer { id }",
    CUSTOMER % "...A" + " fragment A on Customer { ...B } fragment B on Customer { ...A }",
    CUSTOMER % "...A" + " fragment A on Customer { lastContact { ...B } } fragment B on TouchpointEvent { ...B }",
])  # fmt: skip
def test_fragments_that_cannot_be_weighed_make_an_invalid_document(text: str) -> None:
    prepared = Documents(SCHEMA, Limits()).prepare(text)
    assert prepared.document is None
    assert [error["extensions"]["code"] for error in prepared.errors] == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("build", [
    lambda size: nested(size, 2),
    lambda size: nested(3, size),
    overlapping,
    lambda size: CUSTOMER % ("id " * size),
    lambda size: CUSTOMER % ("... { id " * size + "}" * size),
])  # fmt: skip
def test_the_work_grows_with_the_size_of_the_document_and_no_faster(build) -> None:  # type: ignore[no-untyped-def]
    """Counted in nodes visited, which a document of twice the size at most doubles."""
    for size in (10, 20, 40):
        assert work(build(2 * size)) <= 2 * work(build(size))


def test_what_is_too_much_is_never_validated() -> None:
    """Validation is where duplicates and overlaps cost more than their number: only limits may refuse them."""
    for text in (CUSTOMER % ("id nope " * 21), overlapping(51) + " fragment Unused on Nowhere { nope }"):
        [error] = Documents(SCHEMA, Limits()).prepare(text).errors
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_over_http_a_limit_is_an_error_with_its_place(api: Gateway) -> None:
    assert await api.ask(CUSTOMER % ("id " * 21)) == {
        "errors": [
            {
                "message": "The document goes over a limit: repeats, at most 20.",
                "locations": [{"line": 1, "column": 111}],
                "extensions": {"code": "LIMIT_EXCEEDED", "limit": "repeats", "allowed": 20},
            }
        ]
    }
    assert api.events.paths() == []


def test_a_document_is_made_ready_once() -> None:
    documents = Documents(SCHEMA, Limits())
    good, bad = "{ projection { lag } }", "{ nope }"
    for _ in range(3):
        assert documents.prepare(good).document is not None
        assert documents.prepare(bad).document is None
    assert documents.prepared == 2
    assert documents.prepare(good) is documents.prepare(good)


def test_only_the_last_used_documents_are_kept() -> None:
    documents = Documents(SCHEMA, Limits())
    for number in range(256):
        documents.prepare(f"query Q{number} {{ projection {{ lag }} }}")
    documents.prepare("query Q0 { projection { lag } }")  # used again: Q1 is the oldest now
    documents.prepare("query New { projection { lag } }")
    assert documents.prepared == 257
    documents.prepare("query Q0 { projection { lag } }")
    assert documents.prepared == 257
    documents.prepare("query Q1 { projection { lag } }")
    assert documents.prepared == 258


def test_a_document_that_carries_its_data_inside_is_not_kept() -> None:
    documents = Documents(SCHEMA, Limits())
    for _ in range(2):
        documents.prepare("{ projection { lag } } #" + "x" * 16_384)
    assert documents.prepared == 2
