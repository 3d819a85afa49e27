"""Rules over events: CEL text, checked when it is authored, compiled to a Python function."""

from infra.rules.errors import RuleError
from infra.rules.rule import Facts, Rule, parse_rule

__all__ = ["Facts", "Rule", "RuleError", "parse_rule"]
