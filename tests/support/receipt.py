"""The municipality log of `../shared/data/receipt`: each row as the track call that a sender would make.

8,577 events of 1,434 permit requests. The rows know more than a live sender would have known at the time: the real
end date of the case is left out, because it was written long after most of the events it stands beside.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.journey import instant
from tests.support.histories import plain_event

Json = dict[str, Any]

LOG = Path(__file__).parents[2].parent / "shared" / "data" / "receipt" / "receipt.csv.gz"
JOURNEY = Path(__file__).parents[1] / "data" / "receipt_journey.json"

needs_the_log = pytest.mark.skipif(not LOG.exists(), reason="the municipality log ../shared/data/receipt is absent")

PROPERTIES = {
    "case:department": "department",
    "case:group": "caseGroup",
    "case:responsible": "responsible",
    "case:startdate": "startedOn",
    "case:deadline": "deadline",
    "case:enddate_planned": "plannedEnd",
    "org:group": "group",
    "org:resource": "resource",
    "lifecycle:transition": "transition",
}


@dataclass(frozen=True, slots=True)
class Track:
    """The arguments of a `track` call of the Segment client libraries."""

    user_id: str
    event: str
    message_id: str
    timestamp: datetime
    context: Json
    properties: Json

    @property
    def occurred_at(self) -> int:
        """Microseconds since 1970, whatever the offset of the row."""
        return instant(self.timestamp.isoformat())


def receipt_tracks() -> Iterator[Track]:
    """All rows in the order of the file, which is by case, and by time inside a case."""
    with gzip.open(LOG, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Track(
                user_id=row["case:concept:name"],
                event=row["concept:name"],
                message_id=row["concept:instance"],
                timestamp=datetime.fromisoformat(row["time:timestamp"]),
                context={"channel": row["case:channel"]},
                properties={name: row[column] for column, name in PROPERTIES.items() if row[column]},
            )


def receipt_histories() -> dict[str, list[Json]]:
    """The same rows as plain events, per customer, for the oracle and the fold."""
    histories: dict[str, list[Json]] = {}
    for track in receipt_tracks():
        event = plain_event(
            track.message_id,
            track.event,
            track.occurred_at,
            source="municipality",
            channel=track.context["channel"],
            context=track.context,
            properties=track.properties,
        )
        histories.setdefault(track.user_id, []).append(event)
    return histories


def receipt_journey() -> Json:
    """The map of the log as JourneyInput.

    Its goal is the sent confirmation (T05): in 1,300 cases no confirmation work ever follows it, while 931 events of
    that work follow the decision on a stop indication (T10), which runs in parallel and so is aftercare here as often
    as not. Work on the letter revives a file that was silent for too long; assessment alone does not. A printed hold
    report (T20) tells the applicant to wait, so it pauses.
    """
    journey: Json = json.loads(JOURNEY.read_text())
    return journey


def published_receipt_journey() -> Json:
    """The map as its first version, in force from the start."""
    return receipt_journey() | {"version": 1, "effectiveFrom": None, "publishedAt": "2010-10-01T00:00:00Z"}
