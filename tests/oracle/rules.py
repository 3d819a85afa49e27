"""A tiny evaluator for the rules of test maps; every form it does not know is refused.

    rule    := or ;  or := and ("||" and)* ;  and := not ("&&" not)* ;  not := "!" not | atom
    atom    := "(" rule ")" | "true" | "false" | "has(" path ")" | path operator literal | path "in [" literal, ... "]"
    path    := name | kind | channel | device | source | (properties | context | traits) ("." word)+

A missing field makes a comparison false, and so do unlike types; numbers compare as numbers.
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable
from typing import Any

Facts = dict[str, Any]
Predicate = Callable[[Facts], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"""
    r"""|(?P<sign>\|\||&&|==|!=|<=|>=|[<>!()\[\],]))"""
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = ("name", "kind", "channel", "device", "source")
_MAPS = ("properties", "context", "traits")
_MISSING = object()


@functools.cache
def rule(text: str) -> Predicate:
    """The predicate that `text` states. Raises ValueError for anything outside the forms above."""
    parser = _Parser(text)
    predicate = parser.either()
    if parser.tokens:
        raise ValueError(f"not a form the oracle knows: {text!r} at {parser.tokens[0]!r}")
    return predicate


def value_at(facts: Facts, path: str) -> Any:
    """What stands at a dotted path, or None where nothing does."""
    found = _find(facts, path)
    return None if found is _MISSING else found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"not a form the oracle knows: {text!r} at {text[place:]!r}")
            self.tokens.append(match.group().strip())
            place = match.end()

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.next_is("||"):
            parts.append(self.both())
        return lambda facts: any(part(facts) for part in parts)

    def both(self) -> Predicate:
        parts = [self.negation()]
        while self.next_is("&&"):
            parts.append(self.negation())
        return lambda facts: all(part(facts) for part in parts)

    def negation(self) -> Predicate:
        if self.next_is("!"):
            denied = self.negation()
            return lambda facts: not denied(facts)
        return self.atom()

    def atom(self) -> Predicate:
        if self.next_is("("):
            inner = self.either()
            self.expect(")")
            return inner
        if self.next_is("true"):
            return lambda facts: True
        if self.next_is("false"):
            return lambda facts: False
        if self.next_is("has"):
            self.expect("(")
            path = self.path()
            self.expect(")")
            return lambda facts: _find(facts, path) is not _MISSING
        return self.comparison()

    def comparison(self) -> Predicate:
        path = self.path()
        sign = self.pop()
        if sign == "in":
            self.expect("[")
            choices = [self.literal()]
            while self.next_is(","):
                choices.append(self.literal())
            self.expect("]")
            return lambda facts: any(_compare("==", _find(facts, path), choice) for choice in choices)
        literal = self.literal()
        if sign not in _COMPARE or (isinstance(literal, bool) and sign not in ("==", "!=")):
            raise ValueError(f"not a comparison the oracle knows: {self.text!r}")
        return lambda facts: _compare(sign, _find(facts, path), literal)

    def path(self) -> str:
        path = self.pop()
        root, *rest = path.split(".")
        if not (root in _WORDS and not rest) and not (root in _MAPS and rest):
            raise ValueError(f"not a field the oracle knows: {path!r} in {self.text!r}")
        return path

    def literal(self) -> str | int | float | bool:
        token = self.pop()
        if token in ("true", "false") or token[0] in '"-0123456789':
            literal: str | int | float | bool = json.loads(token)
            return literal
        raise ValueError(f"not a literal the oracle knows: {token!r} in {self.text!r}")

    def next_is(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.next_is(token):
            raise ValueError(f"expected {token!r} in {self.text!r}")

    def pop(self) -> str:
        if not self.tokens:
            raise ValueError(f"unfinished: {self.text!r}")
        return self.tokens.pop(0)


def _find(facts: Facts, path: str) -> Any:
    found: Any = facts
    for word in path.split("."):
        if not isinstance(found, dict) or word not in found:
            return _MISSING
        found = found[word]
    return _MISSING if path in _WORDS and found is None else found


def _compare(sign: str, left: Any, right: Any) -> bool:
    kind = _kind(left)
    return kind is not None and kind == _kind(right) and _COMPARE[sign](left, right)


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None
