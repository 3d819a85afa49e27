"""What can be wrong with a rule; all of it is found when the rule is authored, never when an event arrives.

RULE_SYNTAX             the text is not CEL, or uses a part of CEL that rules do not have
RULE_UNKNOWN_VARIABLE   a name that is neither a variable of an event nor of an enclosing macro
RULE_UNKNOWN_FUNCTION   a function or method that rules do not have
RULE_TYPE               an operation that can never succeed, or a rule that can never be true or false
RULE_VALUE              a literal that cannot be read: a pattern, a duration, a moment, a number out of range
RULE_TOO_COSTLY         longer, deeper or slower than the stated limits
"""

from typing import Literal, NamedTuple

RuleErrorCode = Literal[
    "RULE_SYNTAX", "RULE_UNKNOWN_VARIABLE", "RULE_UNKNOWN_FUNCTION", "RULE_TYPE", "RULE_VALUE", "RULE_TOO_COSTLY"
]


class Place(NamedTuple):
    """A position in the text of a rule; line and column count from 1, columns in code points."""

    line: int
    column: int


class RuleError(Exception):
    """A rule was refused: a stable `code`, a `message` for its author, and the `line` and `column` it is about."""

    def __init__(self, code: RuleErrorCode, message: str, place: Place) -> None:
        super().__init__(f"{message} (line {place.line}, column {place.column})")
        self.code: RuleErrorCode = code
        self.message = message
        self.line = place.line
        self.column = place.column
