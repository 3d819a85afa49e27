"""How much there is behind a persona, and what is wrong with one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.chassis.errors import Flaw, Invalid
from services.personas import domain
from services.personas.domain import Persona, Rung

A, B, W, D, R = Rung
RUNGS = st.sampled_from(list(Rung))
EVIDENCE = st.lists(RUNGS, max_size=3)


@pytest.mark.parametrize(("evidence", "rung"), [([], A), ([A], A), ([B], B), ([B, R, W], R), ([D, W], D)])
def test_a_thing_stands_on_the_highest_rung_of_its_evidence(evidence: list[Rung], rung: Rung) -> None:
    assert domain.rung(evidence) is rung


@pytest.mark.parametrize(
    ("own", "items", "confidence"),
    [
        (A, [], A),
        (R, [], R),
        (A, [R, A], A),  # one claim that nothing stands behind
        (A, [R, B, D], B),  # the weakest claim
        (W, [A, R], W),  # what was asked about the persona as a whole stands behind every claim
        (W, [D, R], D),  # and never pulls a better one down
    ],
)
def test_confidence_is_what_everything_claimed_reaches(own: Rung, items: list[Rung], confidence: Rung) -> None:
    assert domain.confidence(own, items) is confidence


@given(EVIDENCE, st.lists(EVIDENCE, max_size=4), RUNGS, st.integers(0, 4))
def test_more_evidence_never_lowers_and_more_claims_never_raise_the_confidence(
    own: list[Rung], items: list[list[Rung]], found: Rung, where: int
) -> None:
    def confidence(own: list[Rung], items: list[list[Rung]]) -> int:
        return list(Rung).index(domain.confidence(domain.rung(own), [domain.rung(one) for one in items]))

    before = confidence(own, items)
    assert confidence([*own, found], items) >= before
    better = [[*evidence, found] if number == where else evidence for number, evidence in enumerate(items)]
    assert confidence(own, better) >= before
    if items:
        assert confidence(own, [*items, [found]]) <= before


def test_every_flaw_says_where() -> None:
    flawed = Persona('true &&\n count("A") > 1', ("app", "web", "App", "app"), domain.LARGEST + 1)
    assert domain.judge(flawed) == (
        Flaw("RULE_TYPE", "count() takes the name of an event and a length of time", ("matches",), 2, 2),
        Flaw("DUPLICATE_CHANNEL", "The channel 'app' is weighed already.", ("mediaPreferences", "3", "channel")),
        Flaw("TOO_LARGE", "A persona has at most 262,144 bytes, this one 262,145."),
    )
    with pytest.raises(Invalid) as refused:
        domain.insist(flawed)
    assert (refused.value.code, refused.value.errors) == ("RULE_TYPE", domain.judge(flawed))


def test_a_persona_may_say_nothing_that_can_be_wrong() -> None:
    domain.insist(Persona(None, (), domain.LARGEST))
