"""The static check: names, functions and kinds of a rule, each complaint with its place."""

from collections.abc import Mapping
from typing import Final, TypeGuard, cast

from infra.chassis.durations import parse_duration
from infra.rules.errors import RuleError
from infra.rules.kinds import (
    ANYTHING,
    ELEMENT,
    FIELD,
    HISTORY,
    JOURNEY_STATE,
    NOTHING,
    NUMBER,
    OF_EVENT,
    ORDERED,
    VARIABLES,
    Kind,
    Vocabulary,
    alike,
    certain,
    describe,
)
from infra.rules.nodes import (
    Call,
    Compare,
    Compute,
    Conditional,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Macro,
    Name,
    Negate,
    Node,
    Not,
    Select,
)
from infra.rules.patterns import compile_pattern
from infra.rules.values import MISSING, OVERLOADS, TYPES, duration, timestamp

STRING_METHODS: Final = frozenset({"contains", "startsWith", "endsWith", "matches"})
LITERAL_FUNCTIONS: Final = {"duration": (Kind.DURATION, duration), "timestamp": (Kind.TIMESTAMP, timestamp)}
LONGEST_WITHIN: Final = 36_525 * 86_400_000_000
"""A hundred years, in microseconds: every deadline stays a moment that can be written down."""
_SIZED: Final = Kind.STRING | Kind.BYTES | Kind.LIST | Kind.MAP
_KNOWN: Final = (
    "has(x.y), size(x), duration(s), timestamp(s), "
    "x.exists(y, ...), x.all(y, ...), s.contains(t), s.startsWith(t), s.endsWith(t), s.matches(pattern)"
)
_KNOWN_OF_CUSTOMER: Final = "count(name, within), seen(name, within), since(name), "
_EXAMPLES: Final = {"duration": "1h30m", "timestamp": "2026-11-22T09:00:00Z"}


def check(root: Node, vocabulary: Vocabulary = OF_EVENT) -> Mapping[Node, Kind]:
    """What each expression of the rule can turn out to be; raises RuleError at the first thing that cannot work."""
    checker = _Checker(vocabulary)
    checker.condition(root, {})
    return checker.kinds


def is_since(node: Node) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.function == "since" and node.target is None


def event_name(node: Call) -> str:
    """The event that a checked call of count(), seen() or since() is about."""
    return cast(str, cast(Literal, node.arguments[0]).value)


def within(node: Call) -> int:
    """Microseconds that a call of count() or seen() looks back. Raises ValueError if it does not say so."""
    text = cast(str, cast(Literal, node.arguments[1]).value)
    length = parse_duration(text)
    if length > LONGEST_WITHIN:
        raise ValueError(f"{text!r} is longer than 100 years")
    return length


def element_kinds(items: Node, kinds: Mapping[Node, Kind]) -> Kind:
    """What an element of `items` can be, or, if it is a map, a key."""
    match items:
        case ListOf(items=elements):
            union = NOTHING
            for element in elements:
                union |= kinds[element]
            return (union & ~Kind.MISSING) or ELEMENT
        case Compute() | Conditional():
            return ANYTHING & ~Kind.MISSING
    return Kind.STRING if certain(kinds[items]) is Kind.MAP else ELEMENT


Scope = Mapping[str, Kind]


class _Checker:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.kinds: dict[Node, Kind] = {}
        self._vocabulary = vocabulary

    def condition(self, node: Node, scope: Scope) -> None:
        """`node` stands where only true and false make sense."""
        found = self.visit(node, scope)
        if not found & Kind.BOOL:
            raise RuleError("RULE_TYPE", f"this must be true or false, and is {describe(found)}", node.place)

    def visit(self, node: Node, scope: Scope) -> Kind:
        found = self.kinds[node] = self._kind(node, scope)
        return found

    def _kind(self, node: Node, scope: Scope) -> Kind:
        match node:
            case Literal(value=value):
                return TYPES[type(value)]
            case Name():
                return self._name(node, scope)
            case ListOf(items=items):
                missing = [self.visit(item, scope) & Kind.MISSING for item in items]
                return Kind.LIST | (Kind.MISSING if any(missing) else NOTHING)
            case Select(target=target) | Has(target=target):
                self._require(target, Kind.MAP, "has no fields", node, scope)
                return Kind.BOOL if isinstance(node, Has) else FIELD
            case Index():
                return self._index(node, scope)
            case Call():
                return self._call(node, scope)
            case Macro():
                return self._macro(node, scope)
            case Not(operand=operand):
                self.condition(operand, scope)
                return Kind.BOOL
            case Logic(operands=operands):
                for operand in operands:
                    self.condition(operand, scope)
                return Kind.BOOL
            case Negate(operand=operand):
                found = self._require(operand, NUMBER, "cannot be negated", node, scope)
                return found & NUMBER | Kind.MISSING
            case Compute():
                return self._compute(node, scope)
            case Compare():
                return self._compare(node, scope)
            case Conditional():
                return self._conditional(node, scope)
        raise TypeError(node)

    def _require(self, node: Node, wanted: Kind, complaint: str, blame: Node, scope: Scope) -> Kind:
        found = self.visit(node, scope)
        if not found & wanted:
            raise RuleError("RULE_TYPE", f"{describe(found)} {complaint}", blame.place)
        return found

    def _name(self, node: Name, scope: Scope) -> Kind:
        found = scope.get(node.name) or self._vocabulary.variables.get(node.name)
        if found is None:
            known = ", ".join((*self._vocabulary.variables, *scope))
            raise RuleError("RULE_UNKNOWN_VARIABLE", f'unknown variable "{node.name}"; known are {known}', node.place)
        return found

    def _index(self, node: Index, scope: Scope) -> Kind:
        target = self._require(node.target, Kind.LIST | Kind.MAP, "has no elements", node, scope)
        key = self.visit(node.key, scope)
        if not ((target & Kind.MAP and key & Kind.STRING) or (target & Kind.LIST and key & Kind.INT)):
            raise RuleError("RULE_TYPE", f"{describe(target)} has no element at {describe(key)}", node.place)
        return FIELD if certain(target) is Kind.MAP else element_kinds(node.target, self.kinds) | Kind.MISSING

    def _macro(self, node: Macro, scope: Scope) -> Kind:
        self._require(node.target, Kind.LIST | Kind.MAP, f"has no elements for {node.function}()", node, scope)
        if node.variable in VARIABLES or node.variable in scope:
            raise RuleError("RULE_SYNTAX", f'the name "{node.variable}" is taken; choose another', node.place)
        self.condition(node.predicate, {**scope, node.variable: element_kinds(node.target, self.kinds)})
        return Kind.BOOL

    def _call(self, node: Call, scope: Scope) -> Kind:
        name, is_method, is_size = node.function, node.target is not None, node.function == "size"
        if not is_method and name in self._vocabulary.functions:
            if name == "since":
                example = 'since("Order Completed") > duration("P30D")'
                raise RuleError("RULE_TYPE", f"since() can only be compared, as in {example}", node.place)
            return self._history(node, scope)
        if not (is_size or name in (STRING_METHODS if is_method else LITERAL_FUNCTIONS)):
            raise RuleError("RULE_UNKNOWN_FUNCTION", self._unknown(name, is_method=is_method), node.place)
        if len(node.arguments) != (0 if is_size and is_method else 1):
            takes = "nothing between its brackets" if is_size and is_method else "one argument"
            raise RuleError("RULE_TYPE", f"{name}() takes {takes}", node.place)
        operands = node.parts()
        wanted = _SIZED if is_size else Kind.STRING
        found = [self._require(operand, wanted, f"does not go with {name}()", node, scope) for operand in operands]
        if is_size:
            return Kind.INT if certain(found[0]) else Kind.INT | Kind.MISSING
        if name == "matches":
            self._pattern(node)
        return Kind.BOOL if is_method else self._literal_call(node, operands[0])

    def _unknown(self, name: str, *, is_method: bool) -> str:
        why = ""
        if not is_method and name in HISTORY:
            why = f": it asks what a customer did, and this rule is about {self._vocabulary.subject}"
        elif not is_method and name in JOURNEY_STATE:
            why = ": what a model is recognised by may not ask for the state of journeys"
        known = f"{_KNOWN_OF_CUSTOMER if self._vocabulary.functions else ''}{_KNOWN}"
        return f'unknown {"method" if is_method else "function"} "{name}"{why}; there are {known}'

    def _history(self, node: Call, scope: Scope) -> Kind:
        """What a customer did: of which event, and how far back, stands in the rule itself."""
        takes_within = node.function != "since"
        if len(node.arguments) != (2 if takes_within else 1):
            takes = "the name of an event and a length of time" if takes_within else "the name of an event"
            raise RuleError("RULE_TYPE", f"{node.function}() takes {takes}", node.place)
        for argument, what in zip(node.arguments, ("the name of an event", "the length of time"), strict=False):
            self.visit(argument, scope)
            if not isinstance(argument, Literal) or not isinstance(argument.value, str):
                raise RuleError("RULE_TYPE", f"{what} must be a string literal", argument.place)
        if takes_within:
            try:
                within(node)
            except ValueError as error:
                raise RuleError("RULE_VALUE", str(error), node.arguments[1].place) from None
        return self._vocabulary.functions[node.function]

    def _side(self, node: Node, scope: Scope) -> Kind:
        """A side of a comparison, the one place where since() may stand: so when it turns can be told."""
        if is_since(node) and "since" in self._vocabulary.functions:
            found = self.kinds[node] = self._history(node, scope)
            return found
        return self.visit(node, scope)

    def _pattern(self, node: Call) -> None:
        (pattern,) = node.arguments
        if not isinstance(pattern, Literal):
            raise RuleError("RULE_TYPE", "the pattern of matches() must be a string literal", pattern.place)
        try:
            compile_pattern(str(pattern.value))
        except ValueError as error:
            raise RuleError("RULE_VALUE", f"not a pattern: {error}", pattern.place) from None

    def _literal_call(self, node: Call, argument: Node) -> Kind:
        result, read = LITERAL_FUNCTIONS[node.function]
        if not isinstance(argument, Literal):
            return result | Kind.MISSING
        if read(argument.value) is MISSING:
            example = f'{node.function}("{_EXAMPLES[node.function]}")'
            raise RuleError("RULE_VALUE", f"not a {node.function}; write it as {example}", argument.place)
        return result

    def _compute(self, node: Compute, scope: Scope) -> Kind:
        left, right = self.visit(node.left, scope), self.visit(node.right, scope)
        result = NOTHING
        for (a, b), (kind, _) in OVERLOADS[node.operator].items():
            if a & left and b & right:
                result |= kind
        if not result:
            raise RuleError("RULE_TYPE", f"there is no {describe(left)} {node.operator} {describe(right)}", node.place)
        return result | Kind.MISSING

    def _compare(self, node: Compare, scope: Scope) -> Kind:
        if node.operator == "in":
            left, right = self.visit(node.left, scope), self.visit(node.right, scope)
            possible = self._can_be_in(left, node.right)
        else:
            left, right = self._side(node.left, scope), self._side(node.right, scope)
            possible = alike(left, right, ANYTHING if node.operator in ("==", "!=") else ORDERED)
        if not possible:
            raise RuleError(
                "RULE_TYPE", f"{describe(left)} {node.operator} {describe(right)} can never hold", node.place
            )
        return Kind.BOOL

    def _can_be_in(self, item: Kind, container: Node) -> bool:
        found = self.kinds[container]
        in_list = found & Kind.LIST and alike(item, element_kinds(container, self.kinds))
        return bool(in_list or (found & Kind.MAP and item & Kind.STRING))

    def _conditional(self, node: Conditional, scope: Scope) -> Kind:
        self.condition(node.test, scope)
        then, otherwise = self.visit(node.then, scope), self.visit(node.otherwise, scope)
        if not alike(then, otherwise):
            raise RuleError(
                "RULE_TYPE", f"the branches of ?: are {describe(then)} and {describe(otherwise)}", node.place
            )
        return then | otherwise
