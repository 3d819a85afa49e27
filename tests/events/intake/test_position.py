"""Positions as clients see them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.chassis.errors import BadRequest
from services.events.intake.position import START, Place

numbers = st.integers(0, (1 << 63) - 1)


@given(numbers, numbers)
def test_a_position_is_short_url_safe_text_that_names_its_place(xid: int, seq: int) -> None:
    token = Place(xid, seq).token()
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", token)
    assert Place.parse(token) == Place(xid, seq)


def test_places_compare_as_the_log_is_read() -> None:
    assert START < Place(0, 1) < Place(1, 0) < Place(1, 1)


@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 21, "A" * 23, "A" * 44, "_" * 22, "é" * 22, "A" * 21 + "=", "A" * 20 + "+/", "A" * 21 + "B"],
)
def test_other_texts_are_refused(token: str) -> None:
    with pytest.raises(BadRequest) as caught:
        Place.parse(token)
    assert caught.value.code == "BAD_POSITION"
