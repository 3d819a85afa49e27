"""What the bodies of all internal calls have in common: camelCase, no unknown fields, texts that can be stored."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.events.paging import MOST


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot hold U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text cannot hold half a surrogate pair") from None
    return text


Text = Annotated[str, AfterValidator(_storable)]
Ids = Annotated[list[Text], Field(max_length=MOST)]
First = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Cursor = Text | None
