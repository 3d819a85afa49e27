"""From a published document to the model that the fold reads: defaults, refusals, and the texts of keys."""

from __future__ import annotations

from typing import Any

import pytest

from infra.rules import RuleError
from services.events.live.domain import Reentry, compile_version
from services.events.live.domain.keys import key_text
from services.events.live.domain.model import ALWAYS
from tests.events.live.story import DAY, heard, journey, keyed, phase, told


def test_what_the_author_left_out_has_the_default() -> None:
    document = {"version": 4, "phases": [{"key": "look", "touchpoints": []}]}

    version = compile_version(document)

    assert (version.number, version.effective_from, version.reentry) == (4, ALWAYS, Reentry.ALWAYS)
    assert (version.phases[0].patience, version.pause_patience) == (30 * DAY, 90 * DAY)
    assert version.key_of is None
    assert version.starts_when is None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, ALWAYS),
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-02T01:00:00+01:00", DAY),
        ("1970-01-01T00:00:00.1234569Z", 123_456),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_the_moment_from_which_a_version_counts(moment: str | None, expected: int) -> None:
    assert compile_version(journey(effectiveFrom=moment)).effective_from == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"patience": "P1M"},
        {"patience": "PT0S"},
        {"pausePatience": "P1Y"},
        {"phases": [phase("look", patience="soon")]},
        {"reentry": "SOMETIMES"},
        {"effectiveFrom": "1970-01-01T00:00:00"},
        {"instanceKey": "order_id"},
        {"instanceKey": "properties..order_id"},
    ],
)
def test_what_cannot_be_read_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"'.*'"):
        compile_version(journey(**fields))


def test_a_broken_rule_is_refused() -> None:
    with pytest.raises(RuleError):
        compile_version(journey(goal='name == "'))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("A-7", "A-7"),
        ("7.0", "7.0"),
        (" ", " "),
        (7, "7"),
        (7.0, "7"),
        (-7, "-7"),
        (0, "0"),
        (-0.0, "0"),
        (7.25, "7.25"),
        (0.1, "0.1"),
        (1.5e-7, "0.00000015"),
        (1e22, "10000000000000000000000"),
        (9_007_199_254_740_993, "9007199254740993"),
        (2**70, "1180591620717411303424"),
        ("", None),
        (None, None),
        (True, None),
        (False, None),
        (["A"], None),
        ({"id": "A"}, None),
        (float("inf"), None),
    ],
)
def test_the_text_of_a_key(value: object, text: str | None) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize(
    ("path", "attributes", "key"),
    [
        ("properties.order.id", {"properties": {"order": {"id": 7}}}, "7"),
        ("context.cart", {"context": {"cart": "C"}}, "C"),
        ("channel", {"channel": "web"}, "web"),
        ("properties.order.id", {"properties": {}}, None),
        ("properties.order.id", {"properties": {"order": "id"}}, None),
        ("properties.order.id", {"properties": {"order": ["id"]}}, None),
        ("properties.order.id", {"properties": {"order": None}}, None),
        ("channel.x", {"channel": None}, None),
    ],
)
def test_the_path_to_a_key(path: str, attributes: dict[str, Any], key: str | None) -> None:
    (instance,) = told(heard(0, "Product Viewed", **attributes), by=keyed(instanceKey=path), now=0)

    assert instance.partition(" ")[0] == ("1" if key is None else f"1({key})")
