"""Reads the files of this folder, each with its shape checked, and puts them together in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

FOLDER = Path(__file__).parent
TEMPLATES = (
    "five-stations",
    "nine-phases",
    "expectations-experiences-engagement",
    "touch-tell-sell-care",
    "reach-engage-activate-nurture",
)

S = TypeVar("S")
Json = dict[str, Any]


class Language(StrEnum):
    EN = "EN"
    NL = "NL"


@dataclass(frozen=True, slots=True)
class Template:
    key: str
    name: str
    description: str
    language: Language
    journey: Json
    """A JourneyInput, with the template's own key and name."""


class _File(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    pass


class _Text(_File):
    en: str
    nl: str

    def said(self, language: Language) -> str:
        return self.nl if language is Language.NL else self.en


class _Touchpoint(_File):
    name: _Text
    channel: str
    owner: str
    recognised_by: str
    claimed_emotion: float
    moment_of_truth: bool = False
    pains: _Text | None = None
    delights: _Text | None = None
    opportunities: _Text | None = None

    def in_language(self, key: str, owners: Mapping[str, _Text], language: Language) -> Json:
        lanes = {"pains": self.pains, "delights": self.delights, "opportunities": self.opportunities}
        return {
            "key": key,
            "name": self.name.said(language),
            "channel": self.channel,
            "owner": owners[self.owner].said(language),
            "recognisedBy": self.recognised_by,
            "claimedEmotion": self.claimed_emotion,
            "momentOfTruth": self.moment_of_truth,
            "lanes": _lanes({lane: [text] for lane, text in lanes.items() if text is not None}, language),
        }


class _Touchpoints(_File):
    owners: dict[str, _Text]
    touchpoints: dict[str, _Touchpoint]


class _Means(_File):
    channel: str
    name: _Text


class _Phase(_File, kw_only=True):
    key: str
    name: _Text
    customer_goal: _Text
    expectation: _Text
    patience: str
    mandatory: bool = False
    touchpoints: list[str]
    means: list[str]
    thoughts: list[_Text]
    pains: list[_Text]
    delights: list[_Text]
    opportunities: list[_Text]

    def in_language(self, parts: _Parts, language: Language) -> Json:
        lanes = {"thoughts": self.thoughts, "pains": self.pains, "delights": self.delights}
        places, owners = parts.touchpoints.touchpoints, parts.touchpoints.owners
        return {
            "key": self.key,
            "name": self.name.said(language),
            "customerGoal": self.customer_goal.said(language),
            "expectation": self.expectation.said(language),
            "mandatory": self.mandatory,
            "patience": self.patience,
            "touchpoints": [places[key].in_language(key, owners, language) for key in self.touchpoints],
            "means": [
                {"key": key, "name": parts.means[key].name.said(language), "channel": parts.means[key].channel}
                for key in self.means
            ],
            "lanes": _lanes(lanes | {"opportunities": self.opportunities}, language),
        }


class _Map(_File):
    key: str
    name: _Text
    description: _Text
    customer_goal: _Text
    phases: list[_Phase]


class _DropOff(_File):
    reason: str
    when: str


class _Hypothesis(_File):
    key: str
    statement: _Text
    measure: str
    claim: float


class _Shop(_File):
    goal: str
    cancelled_when: str
    returned_when: str
    paused_when: str
    pause_patience: str
    instance_key: str
    patience: str
    scope: str
    drop_off_reasons: list[_DropOff]
    hypotheses: list[_Hypothesis]

    def in_language(self, language: Language) -> Json:
        rules: Json = msgspec.to_builtins(self)
        statements = {item.key: item.statement.said(language) for item in self.hypotheses}
        return rules | {"hypotheses": [item | {"statement": statements[item["key"]]} for item in rules["hypotheses"]]}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What all templates share."""

    shop: _Shop
    touchpoints: _Touchpoints
    means: dict[str, _Means]


@cache
def templates(language: Language) -> tuple[Template, ...]:
    """Every template in one language, in the order in which they are offered.

    The files are read once. Raises msgspec.ValidationError or KeyError when one is not what it should be.
    """
    parts = _Parts(_read("shop", _Shop), _read("touchpoints", _Touchpoints), _read("means", dict[str, _Means]))
    return tuple(_template(_read(name, _Map), parts, language) for name in TEMPLATES)


def _template(drawn: _Map, parts: _Parts, language: Language) -> Template:
    name = drawn.name.said(language)
    journey = {
        "key": drawn.key,
        "name": name,
        "customerGoal": drawn.customer_goal.said(language),
        "phases": [phase.in_language(parts, language) for phase in drawn.phases],
        **parts.shop.in_language(language),
    }
    return Template(drawn.key, name, drawn.description.said(language), language, journey)


def _lanes(texts: Mapping[str, Sequence[_Text]], language: Language) -> list[Json]:
    return [{"lane": lane, "text": text.said(language)} for lane, several in texts.items() for text in several]


def _read(name: str, shape: type[S]) -> S:
    return msgspec.toml.decode((FOLDER / f"{name}.toml").read_bytes(), type=shape)
