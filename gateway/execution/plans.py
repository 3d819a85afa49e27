from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.values import VariableValues

from gateway.execution.plan import Plan

_KEPT = 8  # a frontend may send one document with several switches
_CONDITIONS = (GraphQLSkipDirective.name, GraphQLIncludeDirective.name)


class Plans:
    """Those of one document, the last used: one for each operation and outcome of its conditions."""

    def __init__(self, document: DocumentNode) -> None:
        definitions = document.definitions
        self.fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
        collector = _Conditions()
        visit(document, collector)
        self._conditions = sorted(collector.variables)
        self._kept: OrderedDict[object, Plan | None] = OrderedDict()

    def get(
        self, operation: OperationDefinitionNode, variables: VariableValues, make: Callable[[], Plan | None]
    ) -> Plan | None:
        name = operation.name.value if operation.name else None
        key = (name, *(variables.coerced.get(condition) for condition in self._conditions))
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class _Conditions(Visitor):
    """Collects the variables that decide what is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_place: Any) -> None:
        if node.name.value in _CONDITIONS:
            values = [argument.value for argument in node.arguments or ()]
            self.variables |= {value.name.value for value in values if isinstance(value, VariableNode)}
