"""A reason why something is as it is, whatever it is: in plain English, with the events and the rule that decided."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Explanation(NamedTuple):
    """One reason."""

    text: str
    events: tuple[str, ...]  # ids
    rule: str | None  # as authored
    version: int  # of the model that the rule is of


class ExplanationDocument(msgspec.Struct, rename="camel"):
    """As other services see it."""

    text: str
    events: tuple[str, ...]
    rule: str | None
    model_version: int


def explanation_document(one: Explanation) -> ExplanationDocument:
    return ExplanationDocument(one.text, one.events, one.rule, one.version)
