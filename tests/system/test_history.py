"""Years of history come in and go out again, on the running platform."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.streams.clients import sse_answers
from tests.support.command import klantreis
from tests.support.metrics import until_told
from tests.support.platform import Platform, one_process
from tests.support.receipt import (
    LOG,
    PROPERTIES,
    needs_the_log,
    receipt_journey,
)
from tests.support.stories import customer_of, instances_of, shop_journey, unique
from tests.support.weather import bad_weather
from tests.system.test_receipt import assert_reads_as_the_oracle_says

Json = dict[str, Any]
SECONDS = 30
CHANGES = "subscription { instanceChanged { instance { customer { identifiers { value } } status } } }"
EVENTS = "subscription { eventRecorded { name } }"
REJECTED = "{ rejectedEvents(first: 100) { edges { node { code body } } } }"

A_SOURCE = "mutation ($key: String!) { saveSource(input: {key: $key, name: $key, trust: VERIFIED}) { key } }"


def shop_file(path: Path, prefix: str, rows: int, *more: str) -> Path:
    """A CRM's table: each customer looks and buys, long ago."""
    with path.open("w", newline="") as file:
        write = csv.writer(file, delimiter=";")
        write.writerow(["Klantnummer", "Gebeurtenis", "Datum", "Bedrag"])
        for row in range(rows):
            name = ["Product Viewed", "Order Completed"][row % 2]
            write.writerow([f"{prefix}-{row // 2}", f"{prefix}{name}", f"{1 + row % 2:02}-03-2019 12:00", "1.234,50"])
        for line in more:
            file.write(line + "\n")
    return path


MAPPING = """
columns:
  Klantnummer: identifiers.crm_id
  Gebeurtenis: name
  Datum: occurredAt
  Bedrag: properties.total:decimal-comma
constants:
  channel: shop
time_format: "%d-%m-%Y %H:%M"
timezone: Europe/Amsterdam
"""


@pytest.mark.real_data
@needs_the_log
def test_the_log_of_the_municipality_reads_as_the_oracle_says(platform: Platform) -> None:
    platform.publish(receipt_journey())
    columns = ["concept:instance=messageId", "case:channel=context.channel", "case:enddate=ignore"]
    columns += [f"{column}=properties.{name}" for column, name in PROPERTIES.items()]
    said = klantreis(platform, "import", LOG, *(f"--column={column}" for column in columns))
    assert said.lines[-1] == "Events imported: 8,577; what was sent before counts once.", said
    platform.settle(120)
    assert_reads_as_the_oracle_says(platform)


async def test_whoever_follows_the_platform_hears_of_what_happens_and_not_of_what_is_imported(
    platform: Platform, tmp_path: Path
) -> None:
    prefix = unique("x")
    await asyncio.to_thread(platform.publish, shop_journey(unique("shop"), prefix))
    await asyncio.to_thread(platform.settle)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    file = shop_file(tmp_path / "crm.csv", prefix, 200)
    url, key = f"{platform.graphql_url}/stream", platform.credentials["adminKey"]
    changes, events = (sse_answers(url, query, key=key, variables={}) for query in (CHANGES, EVENTS))
    first_change, first_event = (asyncio.create_task(anext(answers)) for answers in (changes, events))
    await asyncio.to_thread(until_told, platform, 2)

    said = await asyncio.to_thread(klantreis, platform, "import", file, "--mapping", tmp_path / "mapping.yaml")
    assert said.lines[-1] == "Events imported: 200; what was sent before counts once.", said
    await asyncio.to_thread(platform.settle)
    customer = await asyncio.to_thread(customer_of, platform, "crm_id", f"{prefix}-7")
    assert customer is not None
    assert [instance["status"] for instance in instances_of(customer)] == ["COMPLETED"]
    assert [edge["node"]["properties"] for edge in customer["timeline"]["edges"]] == [{"total": 1234.5}] * 2
    assert not first_change.done()
    assert not first_event.done()

    user = unique("user")
    await asyncio.to_thread(platform.send, "/v1/track", {"userId": user, "event": f"{prefix}Order Completed"})
    told = (await asyncio.wait_for(first_change, SECONDS))["data"]["instanceChanged"]["instance"]
    assert told == {"customer": {"identifiers": [{"value": user}]}, "status": "COMPLETED"}
    heard = (await asyncio.wait_for(first_event, SECONDS))["data"]["eventRecorded"]
    assert heard == {"name": f"{prefix}Order Completed"}
    await changes.aclose()
    await events.aclose()


def test_an_import_over_a_bad_road_counts_once(platform: Platform, tmp_path: Path) -> None:
    prefix = unique("x")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    file = shop_file(tmp_path / "crm.csv", prefix, 6_000)
    with bad_weather(platform.intake_url, "refused", "lost", "twice", "lost") as road:
        said = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml", url=road.url)
    assert said.lines[-1] == "Events imported: 6,000; what was sent before counts once.", said
    assert road.encodings == {"gzip"}
    again = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml")
    assert again.lines[-1] == said.lines[-1]
    platform.settle(120)
    for number in (0, 1_499, 2_999):
        customer = customer_of(platform, "crm_id", f"{prefix}-{number}")
        assert customer is not None
        assert [edge["node"]["name"] for edge in customer["timeline"]["edges"]] == [
            f"{prefix}Order Completed",
            f"{prefix}Product Viewed",
        ]


def test_an_import_that_was_stopped_goes_on_where_it_was(platform: Platform, tmp_path: Path) -> None:
    """By a line that nobody can read."""
    prefix = unique("x")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    file = shop_file(tmp_path / "crm.csv", prefix, 5_200, "x" * 2_000_000)
    first, second = (klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml") for _ in range(2))
    assert (first.status, second.status) == (65, 65)
    assert first.err == ("crm.csv, line 5,202: a line has at most 1,048,576 bytes. Is this another format?\n")
    assert not any(line.startswith("Going on") for line in first.lines)
    assert "Going on behind row 5,000, where an earlier import of this file stopped." in second.lines
    key = platform.graphql(A_SOURCE, key=unique("tills"))["saveSource"]["key"]  # its rows are of another source
    third = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml", "--key", key)
    assert (third.status, [line for line in third.lines if line.startswith("Going on")]) == (65, [])
    platform.settle(120)
    assert customer_of(platform, "crm_id", f"{prefix}-2499") is not None


def test_what_cannot_be_taken_is_told_with_its_line_and_kept(platform: Platform, tmp_path: Path) -> None:
    prefix = unique("x")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    bad = [f"{prefix};Bought;yesterday;1,00", f"{prefix};Bought", f"{prefix};Bought;02-03-2019 12:00;free"]
    file = shop_file(tmp_path / "crm.csv", prefix, 10, *bad)
    expected = [
        "  line 12: BAD_TIMESTAMP: occurredAt: This is no moment: give ISO 8601, or seconds or milliseconds since 1970"
        " as a number.",
        "  line 13: UNUSABLE: there are 2 fields, and 4 columns",
        "  line 14: UNUSABLE: 'free' is not a number with a decimal comma",
    ]
    dry = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml", "--dry-run")
    assert dry.status == 1
    assert dry.lines[-4:] == ["Rows that would be rejected: 3", *expected]
    assert [line.split()[:2] for line in dry.lines[:6]] == [
        ["column", "becomes"],
        ["Klantnummer", "identifiers.crm_id"],
        ["Gebeurtenis", "name"],
        ["Datum", "occurredAt"],
        ["Bedrag", "properties.total"],
        ["channel", "shop"],
    ]
    said = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml")
    assert said.status == 1
    assert said.lines[-5:] == [
        "Events imported: 10; what was sent before counts once.",
        "Rows rejected: 3; they are kept among the rejected events.",
        *expected,
    ]
    platform.settle()
    kept = [edge["node"] for edge in platform.graphql(REJECTED)["rejectedEvents"]["edges"]]
    ours = [one for one in kept if prefix in one["body"]]
    assert sorted(one["code"] for one in ours) == ["BAD_TIMESTAMP", "BAD_VALUE", "BAD_VALUE"]


def test_what_an_operator_can_mend_is_said_without_a_traceback(platform: Platform, tmp_path: Path) -> None:
    file = shop_file(tmp_path / "crm.csv", "x", 4)
    for arguments, status, words in (
        ([tmp_path / "none.csv"], 65, "No such file or directory."),
        ([file], 64, "No column tells what happened. Name it: --column 'COLUMN=name'."),
        ([file, "--column", "x"], 64, "--column wants two names with an equals sign between them, not 'x'."),
        ([file, "--format", "csv", "--timezone", "Mars"], 64, "Nothing is known by this name"),
    ):
        said = klantreis(platform, "import", *arguments)
        assert (said.status, said.err.count("\n")) == (status, 1), said
        assert words in said.err
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    wrong = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml", "--key", "sk_wrong")
    assert (wrong.status, wrong.err) == (
        75,
        "Nobody knows this key; it may be mistyped, expired or revoked."
        " The same command goes on where this one stopped.\n",
    )
    nowhere = klantreis(platform, "import", file, "--mapping", tmp_path / "mapping.yaml", "--source", "nowhere")
    assert nowhere.err.startswith("There is no source 'nowhere' in this workspace.")


def test_a_workspace_moves_to_another_platform_unchanged(tmp_path: Path) -> None:
    big = 2**70 + 1
    call = {"timestamp": "2019-03-31T01:30:00.123456+01:00", "context": {"page": {"url": "https://x/é"}, "sequence": 3}}
    batch = [
        {"type": "track", "anonymousId": "a", "event": "Gekeken", "properties": {"big": big, "x": 1.10}} | call,
        {"type": "identify", "anonymousId": "a", "userId": "u", "traits": {"email": "U@x.nl", "naam": "Zoë 👍"}} | call,
        {"type": "alias", "userId": "new", "previousId": "u"} | call,
        {"type": "page", "userId": "u", "name": "Home", "context": {"device": {"type": "ios"}}} | call,
    ]
    files = [tmp_path / "one.jsonl.gz", tmp_path / "two.jsonl.gz"]
    for number, file in enumerate(files):
        (tmp_path / str(number)).mkdir()
        with one_process(tmp_path / str(number)) as platform:
            if number == 0:
                assert platform.send("/v1/batch", {"batch": batch}).status_code == 200
            else:
                assert klantreis(platform, "import", files[0]).status == 0
            platform.settle()
            assert klantreis(platform, "export", "events", file).status == 0
    exported = [[json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()] for file in files]
    assert exported[0][0]["properties"]["big"] == big
    assert [[_moved(one) for one in records] for records in exported] == [[_moved(one) for one in exported[0]]] * 2
    assert (files[0].stat().st_mode & 0o777) == 0o600


def _moved(record: Json) -> Json:
    """Without what a platform says of itself."""
    return {name: value for name, value in record.items() if name not in ("id", "customer", "receivedAt")}
