"""Explanations of random histories are true: each is held against the oracle, which has never heard of them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from infra.chassis.durations import parse_duration
from infra.chassis.words import spoken_duration, spoken_moment
from infra.rules import parse_rule
from tests.oracle import journey as oracle
from tests.support.explaining import Explained, explained
from tests.support.histories import history_event
from tests.support.random_histories import Case, cases

Json = dict[str, Any]
STATUS_RULES = {"COMPLETED": "goal", "CANCELLED": "cancelledWhen", "RETURNED": "returnedWhen", "PAUSED": "pausedWhen"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_explanations_are_true(case: Case) -> None:
    check(case)


@pytest.mark.full
@settings(max_examples=5_000, deadline=None)
@given(cases())
def test_explanations_of_many_histories_are_true(case: Case) -> None:
    check(case)


def check(case: Case) -> None:
    instances = oracle.fold(case.journeys, case.events, case.now)
    told = explained(case.journeys, case.events, case.now)
    assert [one.run for one in told] == [instance["run"] for instance in instances]
    for instance, one in zip(instances, told, strict=True):
        truth = Truth(case, instance, one)
        truth.rules()
        truth.start()
        truth.phase()
        truth.status()
        truth.pauses()
        truth.silence()
        truth.drop_off()


class Truth:
    """What the oracle knows of one instance, held against what is told of it."""

    def __init__(self, case: Case, instance: Json, told: Explained) -> None:
        self.case = case
        self.instance = instance
        self.told = told
        self.events = {event["messageId"]: event for event in case.events}
        [self.journey] = [one for one in case.journeys if one["version"] == instance["version"]]
        self.steps = instance["steps"]

    def rules(self) -> None:
        """Rules are the version's own and true of the events beside them; one without events has yet to be met."""
        touchpoints = [one for phase in self.journey["phases"] for one in phase["touchpoints"]]
        authored = {self.journey.get(name) for name in ("startsWhen", "goal", "resumedWhen", *STATUS_RULES.values())}
        authored |= {one["recognisedBy"] for one in touchpoints}
        authored |= {one["when"] for one in self.journey["dropOffReasons"]}
        taken = [message for message, *_ in self.steps]
        for one in self.told.explanations:
            assert one.version == self.instance["version"]
            if one.rule is None:
                continue
            assert one.rule in authored
            matches = parse_rule(one.rule).matches
            assert all(matches(history_event(self.events[id])) for id in one.events), one
            if not one.events:
                waiting = taken if one.rule == self.journey["goal"] and "goal" in one.text else self.since_pause()
                assert not any(matches(history_event(self.events[id])) for id in waiting), one

    def since_pause(self) -> list[str]:
        """The events behind the one that paused it."""
        [by] = self.told.about("PAUSED, because").events
        taken = [message for message, *_ in self.steps]
        return taken[taken.index(by) + 1 :]

    def start(self) -> None:
        first = self.told.explanations[0]
        [message, touchpoint, phase, _direction] = self.steps[0]
        assert (first.events, first.rule) == ((message,), self.rule_of(phase, touchpoint))
        assert bool(self.journey["startsWhen"]) == any("startsWhen" in text for text in self.told.texts)
        keys = [text for text in self.told.texts if text.startswith("It is about")]
        assert [text.split('"')[1] for text in keys] == ([] if self.instance["key"] is None else [self.instance["key"]])
        for one in self.told.explanations:
            if one.text.startswith("It is about") and one.events:
                [id] = one.events
                assert oracle.key_of(self.journey, self.events[id]) == self.instance["key"]
                assert ("began without" in one.text) == (
                    oracle.key_of(self.journey, self.events[message]) != self.instance["key"]
                )
        if self.instance["run"] > 1:
            self.former(self.told.about("a run of its own").text, self.events[message])

    def former(self, text: str, begun_by: Json) -> None:
        """The run before stood like that just before this one began."""
        earlier = [event for event in self.case.events if oracle.place(event) < oracle.place(begun_by)]
        former = oracle.fold(self.case.journeys, earlier, begun_by["occurredAt"])[self.instance["run"] - 2]
        [version] = [one for one in self.case.journeys if one["version"] == former["version"]]
        if ended := re.search(r"had ended: it was (\w+) on (.*)\.$", text):
            assert ended.groups() == (former["status"], spoken_moment(former["endedAt"]))
            return
        if "closed by silence" in text:
            assert (former["status"], former["dueAt"]) == ("COMPLETED", None)
            return
        assert former["dueAt"] is not None
        if "is not part of the journey" in text:
            assert not oracle.belongs(version, begun_by)
        elif "neither the goal again" in text:
            assert former["status"] == "COMPLETED"
            assert oracle.says(version, "goal", begun_by) or self.leads_back(former, version, begun_by)
        elif "that first event about" in text:
            _, of_former, _, of_event, _ = text.split('"')
            assert (of_former, of_event) == (former["key"], oracle.key_of(version, begun_by))
            assert of_former != of_event
        else:
            assert text.endswith(f"because run {former['run']} does not take that first event.")

    def leads_back(self, former: Json, version: Json, event: Json) -> bool:
        """Whether the event leads to a phase before that in which the former run was completed."""
        order = [phase["key"] for phase in version["phases"]]
        completed = next(step for step in former["steps"] if oracle.says(version, "goal", self.events[step[0]]))
        found = oracle.touchpoint_for({"phase": order.index(former["phase"]), "journey": version}, event)
        return found is not None and found[0] < order.index(completed[2])

    def phase(self) -> None:
        one = self.told.about("It is in phase")
        [message, touchpoint, phase, _] = [step for step in self.steps if step[1] is not None][-1]
        assert phase == self.instance["phase"]
        assert f'"{phase.upper()}"' in one.text
        assert (one.events, one.rule) == ((message,), self.rule_of(phase, touchpoint))
        off_map = [one.events for one in self.told.explanations if "off the map" in one.text]
        assert off_map == ([(self.steps[-1][0],)] if self.steps[-1][1] is None else [])

    def status(self) -> None:
        status = self.instance["status"]
        one = self.told.about(f"It is {status}")
        if status in STATUS_RULES:
            assert one.rule == self.journey[STATUS_RULES[status]]
            [id] = one.events
            if status == "PAUSED":
                return
            assert self.events[id]["occurredAt"] == self.instance["endedAt"]
        if status == "CANCELLED":
            met = parse_rule(self.journey["goal"]).matches(history_event(self.events[one.events[0]]))
            assert ("That comes before the goal" in one.text) == met
        if status == "ACTIVE":
            assert (one.rule, one.events) == (self.journey["goal"], ())

    def pauses(self) -> None:
        """A pause is told by the event that began it, and one that is over by the one that ended it."""
        if self.instance["status"] not in ("ACTIVE", "PAUSED", "ABANDONED"):
            return
        statuses = [(message, self.status_after(self.events[message])) for message, *_ in self.steps]
        changes = [
            message for (_, before), (message, after) in pairwise([("", "ACTIVE"), *statuses]) if before != after
        ]
        told = [
            one.events for one in self.told.explanations if re.match(r"It (is|was) PAUSED, |It was paused", one.text)
        ]
        is_told = changes and (statuses[-1][1] == "PAUSED" or self.instance["status"] == "ACTIVE")
        assert told == ([(changes[-1],)] if is_told else [])

    def status_after(self, event: Json) -> str:
        until = [one for one in self.case.events if oracle.place(one) <= oracle.place(event)]
        instance = oracle.fold(self.case.journeys, until, event["occurredAt"])[self.instance["run"] - 1]
        status: str = instance["status"]
        return status

    def silence(self) -> None:
        """Patience is that of the phase, the journey or a pause, and is over when the instance ends or is due."""
        told = [one for one in self.told.explanations if "patience of" in one.text]
        is_open = self.instance["dueAt"] is not None
        assert len(told) == (is_open or self.instance["status"] == "ABANDONED")
        for one in told:
            end = self.instance["dueAt"] if is_open else self.instance["endedAt"]
            assert f" {spoken_moment(end)}, " in one.text
            assert one.events == (self.steps[-1][0],)
            found = re.search(
                r"(?:UTC, | event for )(\d[^:]*) after its last event, .*: the patience of (.*)\.$", one.text
            )
            assert found is not None
            length, whose = found.groups()
            of_journey = self.journey["patience"]
            own = {phase["name"]: phase.get("patience") for phase in self.journey["phases"]}
            patiences = {f'phase "{name}"': patience for name, patience in own.items() if patience is not None}
            patiences |= {"the journey": of_journey, "a pause": self.journey.get("pausePatience", "P90D")}
            assert length == spoken_duration(parse_duration(patiences[whose]))
            assert self.instance["lastEventAt"] + parse_duration(patiences[whose]) == end
            assert (whose == "the journey") <= (own[self.instance["phase"].upper()] is None)

    def drop_off(self) -> None:
        drop = self.instance["dropOff"]
        told = [one for one in self.told.explanations if one.text.startswith("The reason is")]
        assert len(told) == (drop is not None)
        for one in told:
            assert one.text.startswith(f"The reason is {drop['reason']}, because ")
            assert list(one.events) == drop["evidence"]
            rules = [rule for rule in self.journey["dropOffReasons"] if self.meets(rule["when"], drop["evidence"])]
            if rules:
                assert (rules[0]["when"], rules[0]["reason"]) == (one.rule, drop["reason"])
            else:
                assert one.rule == (self.journey["pausedWhen"] if drop["evidence"] else None)
                assert ("no drop-off rules" in one.text) == (not self.journey["dropOffReasons"])

    def meets(self, rule: str, ids: list[str]) -> bool:
        return any(parse_rule(rule).matches(history_event(self.events[id])) for id in ids)

    def rule_of(self, phase: str, touchpoint: str) -> str:
        [rule] = [
            one["recognisedBy"]
            for place in self.journey["phases"]
            for one in place["touchpoints"]
            if (place["key"], one["key"]) == (phase, touchpoint)
        ]
        text: str = rule
        return text
