"""Text to syntax tree: the CEL grammar of cel-python, run by lark, with our own tree built as the parser reduces.

Building during the reductions keeps the parser free of recursion and twice as fast as walking lark's own tree (one
level of CEL is ten levels there), and keeps the position of every token.
"""

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from infra.rules.errors import Place, RuleError
from infra.rules.literals import read_bytes, read_double, read_int, read_string, unterminated_string
from infra.rules.nodes import (
    Arithmetic,
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
    Scalar,
    Select,
    walk,
)

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_LENGTH = 4_096
"""Characters in a rule."""
MAX_DEPTH = 32
"""Operations inside each other; brackets alone add nothing, nor does the length of a chain of && or ||."""

_HINTS = {
    "=": "; equality is written ==",
    "&": "; and is written &&",
    "|": "; or is written ||",
    "and": "; and is written &&",
    "or": "; or is written ||",
    "not": "; not is written !",
}
_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_READERS: dict[str, Callable[[str], Scalar]] = {
    "INT_LIT": read_int,
    "UINT_LIT": read_int,
    "FLOAT_LIT": read_double,
    "STRING_LIT": read_string,
    "MLSTRING_LIT": read_string,
    "BYTES_LIT": read_bytes,
    "BOOL_LIT": _CONSTANTS.__getitem__,
    "NULL_LIT": _CONSTANTS.__getitem__,
}
_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let"}
    | {"loop", "package", "namespace", "return", "var", "void", "while"}
)
_parsing = threading.Lock()


def parse(text: str) -> Node:
    """The syntax tree of `text`; raises RuleError for what is not CEL, is outside our part of it, or is too large."""
    if len(text) > MAX_LENGTH:
        raise RuleError(
            "RULE_TOO_COSTLY", f"a rule has at most {MAX_LENGTH:,} characters, this one {len(text):,}", Place(1, 1)
        )
    for offset, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise RuleError("RULE_SYNTAX", "a lone surrogate is not a character", _place_of(text, offset))
    if (opened := unterminated_string(text)) is not None:
        raise RuleError("RULE_SYNTAX", "the string that starts here is not closed", _place_of(text, opened))
    root = _parse(text)
    for node, depth in walk(root):
        if depth > MAX_DEPTH:
            raise RuleError("RULE_TOO_COSTLY", f"more than {MAX_DEPTH} operations inside each other", node.place)
    return root


def _parse(text: str) -> Node:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415  (see _grammar)

    try:
        with _parsing:  # lark builds its scanners on first use, and promises nothing about threads
            return cast(Node, _grammar().parse(text))
    except UnexpectedCharacters as error:
        found, place = text[cast(int, error.pos_in_stream)], Place(error.line, error.column)
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise RuleError("RULE_SYNTAX", "the rule ends too early", _place_of(text, len(text))) from None
        found, place = str(error.token), _place(error.token)
    raise RuleError("RULE_SYNTAX", f"unexpected {found!r}{_HINTS.get(found, '')}", place)


@cache
def _grammar() -> "Lark":
    """Built on first use: importing cel-python and building the parser take 0.3 s and 20 MiB."""
    from lark import Lark  # noqa: PLC0415

    # As celpy.CELParser builds it, except that it drops the positions of true and false, and of all punctuation.
    return Lark.open_from_package(
        "celpy",
        "cel.lark",
        parser="lalr",
        start="expr",
        priority="invert",
        maybe_placeholders=False,
        keep_all_tokens=True,
        lexer_callbacks={"IDENT": _keyword},
        transformer=_Builder(),
    )


def _keyword(token: "Token") -> "Token":
    return token.update(type="BOOL_LIT") if token in ("true", "false") else token


def _place(token: "Token") -> Place:
    return Place(cast(int, token.line), cast(int, token.column))


def _place_of(text: str, offset: int) -> Place:
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _unsupported(what: str, token: "Token") -> RuleError:
    return RuleError("RULE_SYNTAX", f"rules have no {what}", _place(token))


def _call(target: Node | None, name: "Token", arguments: Sequence[Node]) -> Node:
    """A call, or the macro that it spells."""
    place = _place(name)
    if name == "has" and target is None:
        if len(arguments) != 1 or not isinstance(field := arguments[0], Select):
            raise RuleError("RULE_SYNTAX", 'has() asks for one field: has(a.b); for other keys write "key" in a', place)
        return Has(place, field.target, field.field)
    if target is not None and (name == "exists" or name == "all"):
        if len(arguments) != 2 or not isinstance(variable := arguments[0], Name):
            raise RuleError("RULE_SYNTAX", f"{name}() asks for a name and a condition: list.{name}(x, x > 1)", place)
        return Macro(place, "exists" if name == "exists" else "all", target, variable.name, arguments[1])
    return Call(place, str(name), target, tuple(arguments))


class _Builder:
    """One method per rule of the grammar, called with what was built for its parts; tokens come as lark's `Token`."""

    def _pass(self, children: list[Any]) -> Any:
        return children[0]

    def _all(self, children: list[Any]) -> list[Any]:
        return children

    primary = member = unary_not = unary_neg = _pass
    relation_eq = relation_ne = relation_lt = relation_le = relation_gt = relation_ge = relation_in = _all
    addition_add = addition_sub = multiplication_mul = multiplication_div = multiplication_mod = _all

    def expr(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return cast(Node, children[0])
        test, mark, then, _, otherwise = children
        return Conditional(_place(mark), test, then, otherwise)

    def conditionalor(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return cast(Node, children[0])
        left, operator, right = children
        chain = left.operands if isinstance(left, Logic) and left.operator == operator else (left,)
        return Logic(_place(operator), "||" if operator == "||" else "&&", (*chain, right))

    conditionaland = conditionalor

    def relation(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return cast(Node, children[0])
        (left, operator), right = children
        return Compare(_place(operator), cast(Comparison, str(operator)), left, right)

    def addition(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return cast(Node, children[0])
        (left, operator), right = children
        return Compute(_place(operator), cast(Arithmetic, str(operator)), left, right)

    multiplication = addition

    def unary(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return cast(Node, children[0])
        operator, operand = children
        return Not(_place(operator), operand) if operator == "!" else Negate(_place(operator), operand)

    def member_dot(self, children: list[Any]) -> Node:
        target, _, field = children
        return Select(_place(field), target, str(field))

    def member_dot_arg(self, children: list[Any]) -> Node:
        target, _, name, _, *arguments, _ = children
        return _call(target, name, *arguments or [()])

    def member_index(self, children: list[Any]) -> Node:
        target, bracket, key, _ = children
        return Index(_place(bracket), target, key)

    def member_object(self, children: list[Any]) -> Node:
        raise _unsupported("message types", children[1])

    def ident_arg(self, children: list[Any]) -> Node:
        name, _, *arguments, _ = children
        return _call(None, name, *arguments or [()])

    def ident(self, children: list[Any]) -> Node:
        (name,) = children
        if name in _RESERVED:
            raise RuleError("RULE_SYNTAX", f"{str(name)!r} is a reserved word", _place(name))
        return Name(_place(name), str(name))

    def dot_ident(self, children: list[Any]) -> Node:
        raise _unsupported("names that start with a dot", children[0])

    dot_ident_arg = dot_ident

    def paren_expr(self, children: list[Any]) -> Node:
        return cast(Node, children[1])

    def list_lit(self, children: list[Any]) -> Node:
        bracket, *items, _ = children
        return ListOf(_place(bracket), tuple(*items))

    def map_lit(self, children: list[Any]) -> Node:
        raise _unsupported("map literals", children[0])

    def exprlist(self, children: list[Any]) -> list[Node]:
        return children[::2]

    fieldinits = mapinits = _all

    def literal(self, children: list[Any]) -> Node:
        (token,) = children
        try:
            return Literal(_place(token), _READERS[token.type](str(token)))
        except ValueError as error:
            is_text = token.type in ("STRING_LIT", "MLSTRING_LIT", "BYTES_LIT")
            raise RuleError("RULE_SYNTAX" if is_text else "RULE_VALUE", str(error), _place(token)) from None
