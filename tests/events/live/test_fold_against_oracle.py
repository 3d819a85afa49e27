"""The product's fold against the oracle on random journeys and histories: everything they say must be equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.oracle import journey
from tests.support.histories import history_event, product_fold
from tests.support.random_histories import Case, cases, events


@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_the_fold_equals_the_oracle(case: Case) -> None:
    assert_readings_agree(case)


@pytest.mark.full
@settings(max_examples=5_000, deadline=None)
@given(cases())
def test_the_fold_equals_the_oracle_on_many_histories(case: Case) -> None:
    assert_readings_agree(case)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(events(last=3))
def test_history_keys_give_the_order_of_the_contract(history: list[dict[str, Any]]) -> None:
    by_key = sorted(history, key=lambda event: history_event(event).key)

    assert by_key == sorted(history, key=journey.place)


def assert_readings_agree(case: Case) -> None:
    assert product_fold(case.journeys, case.events, case.now) == journey.fold(case.journeys, case.events, case.now)
