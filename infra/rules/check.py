"""The static check: names, functions and kinds of a rule, each complaint with its place."""

from collections.abc import Mapping
from typing import Final

from infra.rules.errors import RuleError
from infra.rules.kinds import (
    ANYTHING,
    ELEMENT,
    FIELD,
    NOTHING,
    NUMBER,
    ORDERED,
    VARIABLES,
    Kind,
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
_SIZED: Final = Kind.STRING | Kind.BYTES | Kind.LIST | Kind.MAP
_KNOWN: Final = (
    "there are has(x.y), size(x), duration(s), timestamp(s), "
    "x.exists(y, ...), x.all(y, ...), s.contains(t), s.startsWith(t), s.endsWith(t), s.matches(pattern)"
)
_EXAMPLES: Final = {"duration": "1h30m", "timestamp": "2026-11-22T09:00:00Z"}


def check(root: Node) -> Mapping[Node, Kind]:
    """What each expression of the rule can turn out to be; raises RuleError at the first thing that cannot work."""
    checker = _Checker()
    checker.condition(root, {})
    return checker.kinds


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
    def __init__(self) -> None:
        self.kinds: dict[Node, Kind] = {}

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
        found = scope.get(node.name) or VARIABLES.get(node.name)
        if found is None:
            known = ", ".join((*VARIABLES, *scope))
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
        if not (is_size or name in (STRING_METHODS if is_method else LITERAL_FUNCTIONS)):
            what = "method" if is_method else "function"
            raise RuleError("RULE_UNKNOWN_FUNCTION", f'unknown {what} "{name}"; {_KNOWN}', node.place)
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
        left, right = self.visit(node.left, scope), self.visit(node.right, scope)
        if node.operator == "in":
            possible = self._can_be_in(left, node.right)
        else:
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
