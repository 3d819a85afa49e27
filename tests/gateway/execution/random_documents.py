"""Random documents that are valid for a schema: fragments, aliases, conditions, variables, merged fields and all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLCompositeType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_required_argument,
)
from hypothesis import strategies as st

Literals = Mapping[str, list[tuple[str, Any]]]
"""By type or argument: literals of GraphQL, each with the same as JSON."""


class Asked(NamedTuple):
    query: str
    variables: dict[str, Any]


def documents(schema: GraphQLSchema, literals: Literals, deepest: int = 6) -> st.SearchStrategy[Asked]:
    return st.composite(lambda draw: _Document(draw, schema, literals, deepest).asked())()


class _Document:
    """One being written. Fields with arguments have them by their response name, so that equal names can be merged."""

    def __init__(self, draw: st.DrawFn, schema: GraphQLSchema, literals: Literals, deepest: int) -> None:
        self._draw = draw
        self._schema = schema
        self._literals = literals
        self._deepest = deepest
        self._arguments: dict[str, str] = {}
        self._fragments: dict[str, list[str]] = {}
        self._definitions: list[str] = []
        self._declared: list[str] = []
        self._given: dict[str, Any] = {}
        self._left = 80

    def asked(self) -> Asked:
        query = self._schema.query_type
        assert query is not None
        selections = self._selections(query, 0)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        return Asked(" ".join([f"query {declared} {selections}", *self._definitions]), self._given)

    def _chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) < percent

    def _selections(self, type_: GraphQLCompositeType, depth: int) -> str:
        parts = [self._selection(type_, depth) for _ in range(self._draw(st.integers(1, 4)))]
        return "{ " + " ".join(parts) + " }"

    def _selection(self, type_: GraphQLCompositeType, depth: int) -> str:
        if self._chance(6):
            return "__typename"
        if self._chance(12):
            return f"...{self._condition()} {self._selections(type_, depth)}"
        if self._chance(20 if is_abstract_type(type_) else 5):
            narrower = self._narrower(type_)
            return f"... on {narrower.name}{self._condition()} {self._selections(narrower, depth)}"
        if depth and self._chance(12):
            return f"...{self._fragment(self._narrower(type_), depth)}{self._condition()}"
        return self._field(type_, depth)

    def _narrower(self, type_: GraphQLCompositeType) -> GraphQLCompositeType:
        if not is_abstract_type(type_):
            return type_
        return self._draw(st.sampled_from([type_, *self._schema.get_possible_types(type_)]))

    def _fragment(self, type_: GraphQLCompositeType, depth: int) -> str:
        known = self._fragments.setdefault(f"{type_.name}{depth}", [])
        if known and self._chance(50):
            return self._draw(st.sampled_from(known))
        selections = self._selections(type_, depth)
        name = f"F{len(self._definitions)}"
        self._definitions.append(f"fragment {name} on {type_.name} {selections}")
        known.append(name)
        return name

    def _field(self, type_: GraphQLCompositeType, depth: int) -> str:
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        fields = type_.fields
        names = [name for name, one in fields.items() if (depth < self._deepest and self._left) or _is_leaf(one)]
        if not names:
            return "__typename"
        self._left = max(self._left - 1, 0)
        name = self._draw(st.sampled_from(names))
        field = fields[name]
        inner = get_named_type(field.type)
        key = f"{type_.name}_{name}_{self._draw(st.integers(0, 1))}" if field.args else name
        if not field.args and isinstance(type_, GraphQLObjectType) and self._chance(20):
            key = f"{type_.name}_{name}"
        alias = "" if key == name else f"{key}: "
        selections = self._selections(inner, depth + 1) if is_composite_type(inner) else ""
        return f"{alias}{name}{self._arguments_of(key, field)}{self._condition()} {selections}"

    def _arguments_of(self, key: str, field: GraphQLField) -> str:
        if key not in self._arguments:
            given = [
                f"{name}: {self._value(argument.type, name)}"
                for name, argument in field.args.items()
                if is_required_argument(argument) or self._chance(25)
            ]
            self._arguments[key] = f"({', '.join(given)})" if given else ""
        return self._arguments[key]

    def _condition(self) -> str:
        if not self._chance(10):
            return ""
        directive, value = self._draw(st.sampled_from(["skip", "include"])), self._draw(st.booleans())
        if self._chance(60):
            return f" @{directive}(if: {self._variable('Boolean!', str(value).lower(), value)})"
        return f" @{directive}(if: {str(value).lower()})"

    def _value(self, type_: GraphQLInputType, name: str) -> str:
        literal, plain = self._literal(type_, name)
        return self._variable(str(type_), literal, plain) if self._chance(35) else literal

    def _variable(self, type_: str, literal: str, plain: Any) -> str:
        """Given with the request, or with the operation as its default."""
        name = f"v{len(self._declared)}"
        if self._chance(70):
            self._given[name] = plain
            self._declared.append(f"${name}: {type_}")
        else:
            self._declared.append(f"${name}: {type_} = {literal}")
        return f"${name}"

    def _literal(self, type_: GraphQLInputType, name: str) -> tuple[str, Any]:
        if not isinstance(type_, GraphQLNonNull) and self._chance(8):
            return "null", None
        nullable = get_nullable_type(type_)
        if is_list_type(nullable):
            items = [self._literal(nullable.of_type, name) for _ in range(self._draw(st.integers(0, 2)))]
            return f"[{', '.join(literal for literal, _ in items)}]", [plain for _, plain in items]
        if isinstance(nullable, GraphQLEnumType):
            member = self._draw(st.sampled_from(sorted(nullable.values)))
            return member, member
        if isinstance(nullable, GraphQLInputObjectType):
            members = {
                key: self._literal(member.type, key)
                for key, member in nullable.fields.items()
                if isinstance(member.type, GraphQLNonNull) or self._chance(30)
            }
            literal = ", ".join(f"{key}: {literal}" for key, (literal, _) in members.items())
            return "{" + literal + "}", {key: plain for key, (_, plain) in members.items()}
        return self._draw(st.sampled_from(self._literals.get(name) or self._literals[str(nullable)]))


def _is_leaf(field: GraphQLField) -> bool:
    return not is_composite_type(get_named_type(field.type))
