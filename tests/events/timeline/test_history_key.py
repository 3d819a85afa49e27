"""A history key says when the event was and who sent it, and keys sort as moments do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.events.timeline.domain import first_key_at, history_key, occurred_at_of, source_of

MOMENTS = st.integers(-(1 << 62), 1 << 62)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
KINDS = st.sampled_from(["identify", "alias", "group", "page", "screen", "track"])
SEQUENCES = st.none() | st.integers(-(1 << 62), 1 << 62)


@given(MOMENTS, SEQUENCES, KINDS, TEXTS, TEXTS)
def test_moment_and_source_are_read_back(
    moment: int, sequence: int | None, kind: str, source: str, message_id: str
) -> None:
    key = history_key(moment, sequence, kind, source, message_id)
    assert (occurred_at_of(key), source_of(key)) == (moment, source)


@given(MOMENTS, MOMENTS | st.integers(-2, 2), SEQUENCES, KINDS, TEXTS, TEXTS)
def test_a_moment_parts_the_keys_before_it_from_its_own(
    moment: int, apart: int, sequence: int | None, kind: str, source: str, message_id: str
) -> None:
    other = moment + apart // 2
    assert (first_key_at(moment) <= history_key(other, sequence, kind, source, message_id)) == (moment <= other)
