"""The index of rules: which event names can a rule match at all?"""

from infra.rules.nodes import Compare, Conditional, ListOf, Literal, Logic, Name, Node

Names = frozenset[str] | None
"""A set that holds every name the rule can match, and perhaps more; None is the set of all names."""


def names(node: Node) -> Names:
    """The event names for which the condition can be true."""
    match node:
        case Literal(value=False):
            return frozenset()
        case Compare(operator="==", left=Name(name="name"), right=Literal(value=str(text))):
            return frozenset({text})
        case Compare(operator="==", left=Literal(value=str(text)), right=Name(name="name")):
            return frozenset({text})
        case Compare(operator="in", left=Name(name="name"), right=ListOf(items=items)):
            texts = [item.value if isinstance(item, Literal) else None for item in items]
            return None if None in texts else frozenset(text for text in texts if isinstance(text, str))
        case Logic(operator="&&", operands=operands):
            found: Names = None
            for operand in operands:
                found = _intersect(found, names(operand))
            return found
        case Logic(operator="||", operands=operands):
            union: Names = frozenset()
            for operand in operands:
                union = _unite(union, names(operand))
            return union
        case Conditional(test=test, then=then, otherwise=otherwise):
            return _unite(_intersect(names(test), names(then)), names(otherwise))
    return None


def _intersect(left: Names, right: Names) -> Names:
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _unite(left: Names, right: Names) -> Names:
    return None if left is None or right is None else left | right
