"""Personas as authors write them. What may be in them is decided by the personas service."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from gateway.areas.evidence import EvidenceInput


@strawberry.input
class PersonaItemInput:
    text: str
    evidence: list[EvidenceInput] | None = UNSET


@strawberry.input
class ChannelPreferenceInput:
    channel: str
    weight: float


@strawberry.input
class PersonaInput:
    key: str
    name: str
    narrative: str | None = UNSET
    portrait: str | None = UNSET
    base_revision: int | None = UNSET
    matches: str | None = UNSET
    real_goal: PersonaItemInput | None = UNSET
    goals: list[PersonaItemInput] | None = UNSET
    drives: list[PersonaItemInput] | None = UNSET
    challenges: list[PersonaItemInput] | None = UNSET
    responsibilities: list[PersonaItemInput] | None = UNSET
    pains: list[PersonaItemInput] | None = UNSET
    delights: list[PersonaItemInput] | None = UNSET
    situations: list[PersonaItemInput] | None = UNSET
    media_preferences: list[ChannelPreferenceInput] | None = UNSET
    evidence: list[EvidenceInput] | None = UNSET
