"""Whatever goes wrong, no value that a caller sent is written to a log, nor to the output of the process."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from infra.chassis.errors import Flaw
from tests.gateway.documents import problem
from tests.gateway.harness import Gateway, gateway
from tests.gateway.stubs import Answer, page

Json = dict[str, Any]
SECRET = "ada-lovelace-1815"
CUSTOMER = """query ($identifier: IdentifierInput!, $position: Position, $asOf: DateTime) {
    customer(identifier: $identifier, position: $position, asOf: $asOf) { firstSeenAt } }"""
NAMED = {"identifier": {"type": "email", "value": SECRET}}
RECORD = "mutation ($events: [EventInput!]!) { recordEvents(events: $events) { accepted errors { code } } }"
EVENT = {"messageId": SECRET, "name": SECRET, "identifiers": [NAMED["identifier"]], "properties": {SECRET: SECRET}}


def broken(_body: Json) -> Json:
    raise RuntimeError(f"no idea what to do with {SECRET}")


def bad_page(_body: Json) -> Json:
    return page([{"id": SECRET}])


CASES: dict[str, tuple[str, Json, Answer | None]] = {
    "an answer that nobody understands": (CUSTOMER, NAMED, bad_page),
    "a service that fails": (CUSTOMER, NAMED, problem(500, "INTERNAL", SECRET)),
    "a service that does not trust us": (CUSTOMER, NAMED, problem(401, "UNAUTHENTICATED", SECRET)),
    "a refusal": (CUSTOMER, NAMED, problem(422, "INVALID", SECRET, [Flaw("X", SECRET, ("identifier", "value"))])),
    "a bug in a service": (CUSTOMER, NAMED, broken),
    "a variable of another type": (CUSTOMER, NAMED | {"position": [SECRET]}, None),
    "a moment that is none": (CUSTOMER, NAMED | {"asOf": SECRET}, None),
    "a missing variable": (CUSTOMER, {"other": SECRET}, None),
    "a value in an invalid document": ("{ customer(identifier: {type: " + f'"{SECRET}"' + "}) { nope } }", {}, None),
    "a value in a document that does not parse": ("{ customer(identifier: " + f'"{SECRET}" ', {}, None),
    "events that cannot be recorded": (RECORD, {"events": [EVENT]}, problem(500, "INTERNAL", SECRET)),
    "an answer about them that nobody understands": (RECORD, {"events": [EVENT]}, lambda _: {"accepted": SECRET}),
}  # fmt: skip


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("case", CASES)
async def test_no_value_is_written_down(
    environment: Any, case: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    query, variables, answer = CASES[case]
    caplog.set_level(logging.DEBUG)
    async with gateway(environment) as api:
        for path in ("/internal/customers/find", "/internal/past/customers/find", "/internal/events"):
            if answer is not None:
                api.events.answers[f"POST {path}"] = answer
        response = await api.post(query, variables=variables)
        assert "errors" in response.json()
    # What a caller sends by GET stands in its address; only the server in front could log that.
    told = [record for record in caplog.records if not record.name.startswith(("tests", "asyncio"))]
    written = "".join(capfd.readouterr()) + caplog.text + str([vars(record) for record in told])
    assert SECRET not in written


@pytest.mark.parametrize("answer", [broken, problem(401, "UNAUTHENTICATED", SECRET), bad_page])
async def test_what_failed_inside_is_not_told_to_the_caller(api: Gateway, answer: Answer) -> None:
    api.events.answers["POST /internal/customers/find"] = answer
    told = await api.ask(CUSTOMER, variables=NAMED)
    [error] = told["errors"]
    assert error["extensions"]["code"] in {"INTERNAL", "UPSTREAM_UNAVAILABLE"}
    assert SECRET not in str(told)
