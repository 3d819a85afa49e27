"""What operators ask running processes: is it ready, what has it counted, which request was it."""

from __future__ import annotations

import socket

import httpx
import pytest

from tests.support.metrics import Samples, samples, until_told
from tests.support.platform import Platform, one_process

TRACE = {"X-Request-Id": "asked-by-an-operator"}


def addresses(platform: Platform) -> dict[str, str]:
    return {name: f"http://127.0.0.1:{process.port}" for name, process in platform.processes.items()}


def grown(before: Samples, after: Samples, *names: str) -> dict[tuple[str, str], float]:
    return {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if key[0] in names and value != before.get(key, 0)
    }


def test_every_process_is_ready(platform: Platform) -> None:
    for address in addresses(platform).values():
        for path in ("/health/live", "/health/ready"):
            answer = httpx.get(address + path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_intake_counts_events_by_what_became_of_them(platform: Platform) -> None:
    before = samples(platform.intake_url)
    good = {"type": "track", "userId": "anna", "event": "Looked"}
    batch = [good, good, good | {"timestamp": "never"}, {"type": "track", "event": "Looked"}]
    assert platform.send("/v1/batch", {"batch": batch}).status_code == 200
    assert platform.send("/v1/batch", {"batch": batch}, key="wk_nobody").status_code == 401
    counted = ("accepted_events", "rejected_events", "refused_requests")
    names = [f"klantreis_intake_{name}_total" for name in counted] + ["klantreis_request_seconds_count"]
    told = grown(before, samples(platform.intake_url), *names)
    assert {key: value for key, value in told.items() if "metrics" not in key[1]} == {
        ("klantreis_intake_accepted_events_total", ""): 2,
        ("klantreis_intake_rejected_events_total", "code=BAD_TIMESTAMP"): 1,
        ("klantreis_intake_rejected_events_total", "code=NO_IDENTIFIER"): 1,
        ("klantreis_intake_refused_requests_total", "code=UNAUTHENTICATED"): 1,
        ("klantreis_request_seconds_count", "route=/v1/batch,status=200"): 1,
        ("klantreis_request_seconds_count", "route=/v1/batch,status=401"): 1,
    }


def test_projection_is_followed_to_its_end(platform: Platform) -> None:
    projecting = addresses(platform).get("projector", platform.intake_url)
    before = samples(projecting)
    assert platform.send("/v1/track", {"userId": "bert", "event": "Looked"}).status_code == 200
    platform.settle()
    lag = samples(platform.intake_url)
    assert [lag[f"klantreis_log_lag_{unit}", ""] for unit in ("entries", "seconds")] == [0, 0]
    assert (lag["klantreis_log_entries", ""], lag["klantreis_stuck_customers", ""]) >= (1, 0)
    told = grown(before, samples(projecting), "klantreis_projector_done_total", "klantreis_projector_failures_total")
    assert told["klantreis_projector_done_total", "step=identify"] >= 1
    assert told["klantreis_projector_done_total", "step=fold"] >= 1
    assert ("klantreis_projector_failures_total", "") not in told


def test_calls_and_subscriptions_are_counted(platform: Platform) -> None:
    address = platform.graphql_url.removesuffix("/graphql")
    before = samples(address)
    platform.graphql("{ journeys { edges { node { key } } } projection { lag } }")
    headers = {"Authorization": f"Bearer {platform.credentials['adminKey']}"}
    follow = {"query": "subscription { eventRecorded { name } }"}
    with httpx.stream("POST", f"{platform.graphql_url}/stream", json=follow, headers=headers) as answer:
        told = answer.iter_text()
        next(told)
        until_told(platform, 1)
    until_told(platform, 0)
    calls = grown(before, samples(address), "klantreis_upstream_seconds_count")
    assert calls["klantreis_upstream_seconds_count", "outcome=2xx,service=journeys"] == 1
    assert calls["klantreis_upstream_seconds_count", "outcome=2xx,service=events"] >= 1


def test_an_answer_names_its_request(platform: Platform) -> None:
    refused = platform.client.post(f"{platform.intake_url}/v1/track", json={}, headers=TRACE)
    assert (refused.headers["X-Request-Id"], refused.json()["requestId"]) == (TRACE["X-Request-Id"],) * 2
    key = {"Authorization": f"Bearer {platform.credentials['adminKey']}"}
    for document in ("{ nope }", '{ node(id: "x") { id } }'):
        for headers in (key | TRACE, key, TRACE):
            answer = platform.client.post(platform.graphql_url, json={"query": document}, headers=headers)
            [error] = answer.json()["errors"]
            assert error["extensions"]["requestId"] == answer.headers["X-Request-Id"]
            assert (answer.headers["X-Request-Id"] == TRACE["X-Request-Id"]) is ("X-Request-Id" in headers)


def test_half_a_body_is_not_waited_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    with one_process(tmp_path_factory.mktemp("impatient"), KLANTREIS_BODY_TIMEOUT="PT0.2S") as platform:
        for path in ("/v1/track", "/graphql"):
            assert half_sent(platform, path).startswith(b"HTTP/1.1 408 ")


def half_sent(platform: Platform, path: str) -> bytes:
    """What is answered, until the connection is closed, to somebody who goes on listening."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
    head += f"Authorization: Bearer {platform.credentials['adminKey']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", platform.processes["up"].port), timeout=10) as wire:
        wire.sendall(head.encode() + b'{"userId": "an')
        return b"".join(iter(lambda: wire.recv(65_536), b""))
