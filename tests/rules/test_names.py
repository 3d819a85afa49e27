"""The index: which event names can a rule match?"""

import pytest

from infra.rules import parse_rule


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('name == "A"', {"A"}),
        ('"A" == name', {"A"}),
        ('name in ["A", "B"]', {"A", "B"}),
        ('name in ["A", "A", 3]', {"A"}),
        ("name in []", set()),
        ('name == "A" && properties.total > 100', {"A"}),
        ('properties.total > 100 && (kind == "track" && name == "A")', {"A"}),
        ('name == "A" || name == "B"', {"A", "B"}),
        ('name == "A" && channel == "web" || name == "B" && channel == "app" || name in ["C"]', {"A", "B", "C"}),
        ('name in ["A", "B"] && name in ["B", "C"]', {"B"}),
        ('name == "A" && name == "B"', set()),
        ('properties.x ? name == "A" : name == "B"', {"A", "B"}),
        ('name == "A" ? properties.x : name == "B"', {"A", "B"}),
        ('name == "A" ? name in ["A", "B"] : false', {"A"}),
        ("false", set()),
        ('false || name == "A"', {"A"}),
        ('true && name == "A"', {"A"}),
        ("true", None),
        ('name != "A"', None),
        ('!(name == "A")', None),
        ('name == "A" || properties.total > 100', None),
        ("properties.x", None),
        ('name.startsWith("A")', None),
        ("name == source", None),
        ('name in ["A", source]', None),
        ('name in ["A", null]', None),
        ('name in ["A"] + ["B"]', None),
        ('"name" == "A"', None),
        ('properties.name == "A"', None),
        ('["A"].exists(n, n == name)', None),
    ],
)
def test_names(text: str, names: set[str] | None) -> None:
    assert parse_rule(text).names == names
