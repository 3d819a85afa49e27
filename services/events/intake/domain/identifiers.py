"""Who an event is about: the identifiers in it, as text, without values that name nobody, the strongest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.events.identity.domain import Identifier, strength
from services.events.intake.domain.values import BAD_VALUE, NO_IDENTIFIER, Path, Refusal, number_text

Candidate = tuple[str, str | None]
"""(type, value) before it is known whether the value names anybody."""

BLOCKED = frozenset(
    {
        "",
        "-1",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "[object object]",
        "anonymous",
        "false",
        "guest",
        "n/a",
        "nan",
        "nil",
        "none",
        "not_authenticated",
        "null",
        "true",
        "undefined",
        "unknown",
    }
)
"""What programs send when they mean nobody, stripped and in lower case. One such value would join all who share it."""


_LONGEST_BLOCKED_WORD = 20


def read_text(value: Any, path: Path) -> str | None:
    """A text, or a number as text; None if nothing is given. Raises Refusal (BAD_VALUE) for what is neither."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal(BAD_VALUE, "This must be a text or a number.", path)
    return number_text(value)


def names_somebody(value: str) -> bool:
    # Nothing blocked is long but the nil UUID, which begins with 0; what must be stripped begins with less than that.
    return (len(value) > _LONGEST_BLOCKED_WORD and value[0] > "0") or value.strip().lower() not in BLOCKED


def usable(candidates: Iterable[Candidate]) -> list[Identifier]:
    """The identifiers among candidates, each once, in their order; emails trimmed and in lower case."""
    found: dict[Identifier, None] = {}
    for type, value in candidates:
        if value is not None and names_somebody(value):
            found[type, value.strip().lower() if type == "email" else value] = None
    return list(found)


def strongest_first(candidates: Iterable[Candidate], own_user: str | None = None) -> tuple[Identifier, ...]:
    """The usable identifiers in the order of their strength.

    An alias gives its `own_user`, who comes first: everything of an event is linked to its first identifier, and
    were that the previous id, a link between two users would stand in the way of those to the visitor.
    Raises Refusal (NO_IDENTIFIER) if none is left.
    """
    found = usable(candidates)
    if not found:
        raise nobody()
    own = ("user_id", own_user)
    return tuple(sorted(found, key=lambda identifier: (identifier != own, *strength(identifier))))


def nobody() -> Refusal:
    return Refusal(NO_IDENTIFIER, "The event says of nobody that it is about them: give `userId` or `anonymousId`.")


def from_external_ids(listed: Any) -> list[Candidate]:
    """Candidates in `context.externalIds`, a list of {id, type, collection}; those of collections other than users
    (accounts, say) are nobody's. Context is free-form: what is not of this shape is not an identifier.
    """
    if not isinstance(listed, list):
        return []
    candidates: list[Candidate] = []
    for item in listed:
        if isinstance(item, dict) and item.get("collection") in (None, "users"):
            type, value = item.get("type"), item.get("id")
            if isinstance(type, str) and type and isinstance(value, (str, int, float)) and not isinstance(value, bool):
                candidates.append((type, read_text(value, ())))
    return candidates
