"""Syntax tree to a Python function, by Python syntax trees: no text of a rule is ever read as Python.

Every expression compiles in one of two ways. Where true or false is wanted, to a Python expression that is exactly True
or False and cannot raise: a comparison looks at the types of what it compares, so that missing fields and unlike types
are false. Where a value is wanted, to one that gives the value or MISSING. What the static check knows for certain is
not asked again, and what only the event can tell is asked inline for the usual cases, in `values` for the others.
"""

import ast
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast

from infra.rules import values
from infra.rules.check import LITERAL_FUNCTIONS, element_kinds, event_name, is_since, within
from infra.rules.kinds import NUMBER, VARIABLES, Kind, certain
from infra.rules.nodes import (
    Call,
    Compare,
    Comparison,
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

_ENVIRONMENT: Final[dict[str, Any]] = {
    "__builtins__": {},
    **{function.__name__: function for function in (type, len, any, all, map)},
    **{kind.__name__: kind for kind in (bool, int, float, str, bytes, dict)},
    "CONTAINERS": values.CONTAINERS,
    "MISSING": values.MISSING,
    "timedelta": timedelta,
    "datetime": datetime,
    **{
        function.__name__: function
        for function in (
            values.equal,
            values.unequal,
            values.less,
            values.less_equal,
            values.member,
            values.index,
            values.size,
            values.list_of,
            values.timestamp,
            values.duration,
            values.negate,
        )
    },
}
_ARITHMETIC: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_ENVIRONMENT.update({name: values.ARITHMETIC[symbol] for symbol, name in _ARITHMETIC.items()})

_TYPE_NAMES: Final = {
    Kind.BOOL: "bool",
    Kind.STRING: "str",
    Kind.BYTES: "bytes",
    Kind.DURATION: "timedelta",
    Kind.TIMESTAMP: "datetime",
}
_MIRRORED: Final[dict[Comparison, Comparison]] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_GENERAL: Final = {
    "==": "equal(LEFT, RIGHT)",
    "!=": "unequal(LEFT, RIGHT)",
    "<": "less(LEFT, RIGHT)",
    "<=": "less_equal(LEFT, RIGHT)",
    ">": "less(RIGHT, LEFT)",
    ">=": "less_equal(RIGHT, LEFT)",
}
_STRING_TESTS: Final = {
    "contains": "ARGUMENT in TEXT",
    "startsWith": "TEXT.startswith(ARGUMENT)",
    "endsWith": "TEXT.endswith(ARGUMENT)",
}


def compile_condition(root: Node, kinds: Mapping[Node, Kind]) -> Callable[[Any], bool]:
    """The function of an event, or of a customer, that tells whether the checked rule `root` matches it."""
    compiler = _Compiler(kinds)
    body = compiler.truth(root)
    function = ast.parse("lambda event: BODY", mode="eval")
    cast(ast.Lambda, function.body).body = body
    code = compile(ast.fix_missing_locations(function), "<rule>", "eval")
    # Safe: the tree was put together from the templates in this module, constants, and names that are counted here.
    return cast(Callable[[Any], bool], eval(code, _ENVIRONMENT | compiler.constants))  # noqa: S307


@lru_cache(maxsize=512)
def _template(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _fill(source: str, **parts: ast.expr | str) -> ast.expr:
    """The Python expression `source`, its names in `parts` replaced: by an expression, or by another name."""
    return cast(ast.expr, _copy(_template(source), parts))


def _copy(tree: Any, parts: Mapping[str, ast.expr | str]) -> Any:
    if isinstance(tree, list):
        return [_copy(item, parts) for item in tree]
    if not isinstance(tree, ast.AST):
        return tree
    part = parts.get(tree.id) if isinstance(tree, ast.Name) else None
    if isinstance(part, ast.expr):
        return part
    copy = type(tree)(**{field: _copy(value, parts) for field, value in ast.iter_fields(tree)})
    if isinstance(copy, ast.Name) and part is not None:
        copy.id = part
    return copy


class _Compiler:
    def __init__(self, kinds: Mapping[Node, Kind]) -> None:
        self.constants: dict[str, Any] = {}
        self._kinds = kinds
        self._names = 0

    # --- where true or false is wanted

    def truth(self, node: Node) -> ast.expr:
        """An expression that is exactly True or False and does not raise."""
        match node:
            case Literal():
                return ast.Constant(node.value is True)
            case Not(operand=operand):
                return ast.UnaryOp(ast.Not(), self.truth(operand))
            case Logic(operator=operator, operands=operands):
                return ast.BoolOp(ast.And() if operator == "&&" else ast.Or(), [self.truth(part) for part in operands])
            case Conditional(test=test, then=then, otherwise=otherwise):
                return ast.IfExp(self.truth(test), self.truth(then), self.truth(otherwise))
            case Compare(operator="in", left=left, right=right):
                return self._membership(left, right)
            case Compare():
                return self._comparison(node)
            case Has(target=target, field=field):
                return self._with_map(target, "FIELD in MAP", "TEST and FIELD in MAP", field)
            case Call(function="contains" | "startsWith" | "endsWith" | "matches"):
                return self._string_test(node)
            case Call(function="seen"):
                return self._history(node)
            case Macro():
                return self._macro(node)
        return _fill("VALUE is True", VALUE=self.value(node))

    def _comparison(self, node: Compare) -> ast.expr:
        left, right, operator = node.left, node.right, node.operator
        if is_since(left) or is_since(right):
            return self._since(left, right, operator)
        kind = certain(self._kinds[right])
        if kind is None:
            kind = certain(self._kinds[left])
            left, right, operator = right, left, _MIRRORED[operator]
        if kind is None or kind in (Kind.LIST, Kind.MAP):
            return _fill(_GENERAL[operator], LEFT=self.value(left), RIGHT=self.value(right))
        if kind is Kind.NULL:
            return self._null_test(left, operator)
        return self._guarded(left, kind, f"V {operator} RIGHT", RIGHT=self.value(right))

    def _since(self, left: Node, right: Node, operator: Comparison) -> ast.expr:
        """A comparison with the time since an event, which the history itself makes: it knows when that turns."""
        if is_since(left) and is_since(right):  # both grow alike, so time alone changes nothing
            return _fill(_GENERAL[operator], LEFT=self._history(left), RIGHT=self._history(right))
        if is_since(right):
            left, right, operator = right, left, _MIRRORED[operator]
        constants = {"NAME": ast.Constant(event_name(cast(Call, left))), "OPERATOR": ast.Constant(operator)}
        return _fill("event.since_is(NAME, OPERATOR, LENGTH)", LENGTH=self.value(right), **constants)

    def _history(self, node: Call) -> ast.expr:
        parts = {"NAME": ast.Constant(event_name(node))}
        if is_since(node):
            return _fill("event.since(NAME)", **parts)
        return _fill(f"event.{node.function}(NAME, WITHIN)", WITHIN=ast.Constant(within(node)), **parts)

    def _null_test(self, node: Node, operator: str) -> ast.expr:
        """Null asks about any field whether it is null, so here no present value counts as of an unlike type."""
        if operator == "==":
            return _fill("VALUE is None", VALUE=self.value(node))
        return _fill("(V := VALUE) is not None and V is not MISSING", VALUE=self.value(node), V=self._new_name())

    def _guarded(self, node: Node, kind: Kind, test: str, **parts: ast.expr) -> ast.expr:
        """`test` of the value V of `node`, false unless that value is of `kind`."""
        value = self._raw(node)
        if certain(self._kinds[node]) is kind or (kind is Kind.STRING and test == "V == RIGHT"):
            return _fill(test, V=value, **parts)  # a string equals nothing but a string
        name = self._new_name()
        if kind == NUMBER:
            guard = "((T := type(V := VALUE)) is int or T is float)"
            return _fill(f"{guard} and {test}", V=name, T=self._new_name(), VALUE=value, **parts)
        return _fill(f"type(V := VALUE) is {_TYPE_NAMES[kind]} and {test}", V=name, VALUE=value, **parts)

    def _membership(self, item: Node, container: Node) -> ast.expr:
        if certain(self._kinds[container]) is Kind.MAP:
            return self._guarded(item, Kind.STRING, "V in MAP", MAP=self.value(container))
        if isinstance(container, ListOf) and all(isinstance(one, Literal) for one in container.items):
            kind = certain(element_kinds(container, self._kinds))
            if kind == Kind.STRING or kind == NUMBER:
                # Python hashes and compares 1 and 1.0 as CEL does; true is kept out by the guard.
                constants = frozenset(one.value for one in container.items if isinstance(one, Literal))
                return self._guarded(item, kind, "V in SET", SET=ast.Constant(cast(Any, constants)))
        return _fill("member(ITEM, CONTAINER)", ITEM=self.value(item), CONTAINER=self.value(container))

    def _with_map(self, target: Node, plain: str, guarded: str, field: str) -> ast.expr:
        """A template over the FIELD of a MAP: `plain` if `target` surely is one, else `guarded` by TEST."""
        if certain(self._kinds[target]) is Kind.MAP:
            return _fill(plain, MAP=self.value(target), FIELD=ast.Constant(field))
        name = self._new_name()
        test = _fill("type(V := TARGET) is dict", V=name, TARGET=self.value(target))
        return _fill(guarded, MAP=ast.Name(name, ast.Load()), FIELD=ast.Constant(field), TEST=test)

    def _string_test(self, node: Call) -> ast.expr:
        (argument,), target = node.arguments, cast(Node, node.target)
        if node.function == "matches":
            pattern = compile_pattern(cast(str, cast(Literal, argument).value))
            return self._guarded(target, Kind.STRING, "FOUND_IN(V)", FOUND_IN=self._constant(pattern.found_in))
        test = _STRING_TESTS[node.function]
        if certain(self._kinds[argument]) is Kind.STRING:
            return self._guarded(target, Kind.STRING, test.replace("TEXT", "V"), ARGUMENT=self.value(argument))
        text = self._new_name()
        inner = self._guarded(argument, Kind.STRING, test.replace("ARGUMENT", "V"), TEXT=ast.Name(text, ast.Load()))
        return _fill("type(V := TARGET) is str and INNER", V=text, TARGET=self._raw(target), INNER=inner)

    def _macro(self, node: Macro) -> ast.expr:
        predicate = _fill("lambda V: PREDICATE", PREDICATE=self.truth(node.predicate))
        cast(ast.Lambda, predicate).args.args[0].arg = _local(node.variable)
        every = "any" if node.function == "exists" else "all"
        parts = {"PREDICATE": predicate, "TARGET": self.value(node.target)}
        if certain(self._kinds[node.target]):
            return _fill(f"{every}(map(PREDICATE, TARGET))", **parts)
        test = f"type(V := TARGET) in CONTAINERS and {every}(map(PREDICATE, V))"
        return _fill(test, V=self._new_name(), **parts)

    # --- where a value is wanted

    def value(self, node: Node) -> ast.expr:
        """An expression that is the value of `node`, or MISSING, and does not raise."""
        match node:
            case Literal(value=value):
                return ast.Constant(value)
            case Name(name=name):
                raw = self._raw(node)
                if not VARIABLES.get(name, Kind.BOOL) & Kind.MISSING:
                    return raw
                return _fill("MISSING if (V := RAW) is None else V", V=self._new_name(), RAW=raw)
            case ListOf(items=items):
                elements = [self.value(item) for item in items]
                if self._kinds[node] & Kind.MISSING:
                    return ast.Call(ast.Name("list_of", ast.Load()), elements, [])
                return ast.List(elements, ast.Load())
            case Select(target=target, field=field):
                get = "MAP.get(FIELD, MISSING)"
                return self._with_map(target, get, f"{get} if TEST else MISSING", field)
            case Index(target=target, key=Literal(value=str(field))):
                return self.value(Select(node.place, target, field))
            case Index(target=target, key=key):
                return _fill("index(TARGET, KEY)", TARGET=self.value(target), KEY=self.value(key))
            case Negate(operand=operand):
                return _fill("negate(VALUE)", VALUE=self.value(operand))
            case Compute(operator=operator, left=left, right=right):
                call = f"{_ARITHMETIC[operator]}(LEFT, RIGHT)"
                return _fill(call, LEFT=self.value(left), RIGHT=self.value(right))
            case Conditional(test=test, then=then, otherwise=otherwise):
                return ast.IfExp(self.truth(test), self.value(then), self.value(otherwise))
            case Call(function="count"):
                return self._history(node)
            case Call(function="size"):
                (operand,) = node.parts()
                function = "len" if certain(self._kinds[operand]) else "size"
                return _fill(f"{function}(VALUE)", VALUE=self.value(operand))
            case Call(function="duration" | "timestamp" as function, arguments=(argument,)):
                if isinstance(argument, Literal):
                    return self._constant(LITERAL_FUNCTIONS[function][1](argument.value))
                return _fill(f"{function}(VALUE)", VALUE=self.value(argument))
        return self.truth(node)

    def _raw(self, node: Node) -> ast.expr:
        """As `value`, but an absent channel or device is None, which is all the same where a type is asked."""
        if not isinstance(node, Name):
            return self.value(node)
        if node.name in VARIABLES:
            return ast.Attribute(ast.Name("event", ast.Load()), node.name, ast.Load())
        return ast.Name(_local(node.name), ast.Load())

    def _constant(self, value: object) -> ast.expr:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return ast.Name(name, ast.Load())

    def _new_name(self) -> str:
        self._names += 1
        return f"value_{self._names}"


def _local(variable: str) -> str:
    """Macro variables get a prefix, so that none can hide a name of the generated code."""
    return f"each_{variable}"
