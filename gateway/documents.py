"""Documents made ready once: parsed, held against the limits, validated, and kept by the hash of their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from gateway.errors import as_json
from gateway.execution.plans import Plans
from gateway.limits import LimitExceeded, Limits, check

_KEPT = 256
_LONGEST_KEPT = 16 * 1_024  # characters; a longer text carries its data inside and will not come again
_ERRORS_SHOWN = 5  # each may spell out a value of the document, however long it is
_PARSER_LIMITS = {" tokens.": "tokens", " comments.": "comments", "nested too deeply": "depth"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that may be executed, or (`document` is None) the errors why it may not."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...] = ()
    fields: frozenset[str] = frozenset()
    """The names of all fields that are selected anywhere in the document."""
    inner_variables: frozenset[str] = frozenset()
    """Those that matter below the root fields: what is told of an event depends on no others."""
    plans: Plans | None = None
    """How its queries are executed."""


class Documents:
    """Makes documents ready, each distinct one once as long as it is among the last used."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool = True) -> None:
        """Without `introspection` nobody is told of the schema, nor helped to guess it by what a name resembles."""
        self._schema = schema
        self._hidden = not introspection
        self._rules = [*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,))]
        self._limits = limits
        self._kept: OrderedDict[bytes, Prepared] = OrderedDict()
        self.prepared = 0
        """How many were made ready, not counting those found ready."""

    def prepare(self, text: str) -> Prepared:
        digest = sha256(text.encode()).digest()
        prepared = self._kept.get(digest)
        if prepared is not None:
            self._kept.move_to_end(digest)
            return prepared
        prepared = self._prepare(text)
        self.prepared += 1
        if len(text) <= _LONGEST_KEPT:
            self._kept[digest] = prepared
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return prepared

    def _prepare(self, text: str) -> Prepared:
        try:
            document = self._parse(text)
            check(document, self._schema, self._limits)
        except GraphQLSyntaxError as error:
            return Prepared(None, (as_json(error, "GRAPHQL_PARSE_FAILED"),))
        except GraphQLError as error:
            return Prepared(None, (as_json(error, "GRAPHQL_VALIDATION_FAILED"),))
        errors = validate(self._schema, document, self._rules, max_errors=_ERRORS_SHOWN, hide_suggestions=self._hidden)
        if errors:
            return Prepared(None, tuple(as_json(error, "GRAPHQL_VALIDATION_FAILED") for error in errors))
        return Prepared(document, (), _fields_of(document), _inner_variables(document), Plans(document))

    def _parse(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise LimitExceeded("characters", limits.characters)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            limit = next((limit for words, limit in _PARSER_LIMITS.items() if words in error.message), None)
            if limit is None:
                raise
            raise LimitExceeded(limit, getattr(limits, limit)) from error


def _fields_of(document: DocumentNode) -> frozenset[str]:
    collector = _FieldNames()
    visit(document, collector)
    return frozenset(collector.names)


def _inner_variables(document: DocumentNode) -> frozenset[str]:
    """All but those that only arguments of root fields use."""
    collector = _VariableNames()
    for node in _below_root_fields(document):
        visit(node, collector)
    return frozenset(collector.names)


def _below_root_fields(document: DocumentNode) -> Iterator[Node]:
    """What is selected in root fields and how, and everything that is in fragments."""
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            yield definition
            continue
        for root in definition.selection_set.selections:
            if not isinstance(root, FieldNode):
                yield root
                continue
            yield from root.directives or ()
            if root.selection_set is not None:
                yield root.selection_set


class _VariableNames(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_place: Any) -> None:
        self.names.add(node.name.value)


class _FieldNames(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_place: Any) -> None:
        self.names.add(node.name.value)
