"""Rules over events and over customers: CEL text, checked when it is authored, compiled to a Python function.

What authors are told about several rules at once, `examples` finds out; nothing else needs the trees of rules again.
"""

from infra.rules.errors import RuleError
from infra.rules.rule import CustomerRule, Facts, Outcome, Question, Rule, parse_customer_rule, parse_rule

__all__ = ["CustomerRule", "Facts", "Outcome", "Question", "Rule", "RuleError", "parse_customer_rule", "parse_rule"]
