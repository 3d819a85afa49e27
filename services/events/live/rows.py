"""What is stored of customers, instances and steps, as the projector writes it and the sums over instances read it."""

from __future__ import annotations

from typing import NamedTuple


class CustomerRow(NamedTuple):
    """As tables.customers, without the workspace."""

    customer: bytes
    partition: int
    first_key: bytes
    last_key: bytes
    first_event: str
    first_seen_at: int
    last_seen_at: int
    traits: bytes
    state: bytes
    clock: int
    due_at: int | None


class InstanceRow(NamedTuple):
    """As tables.instances, without the workspace."""

    customer: bytes
    build: int
    instance: bytes
    partition: int
    journey: str
    version: int
    key: str | None
    run: int
    status: str
    phase: str
    furthest: str
    touchpoint: str | None
    started_at: int
    start_key: bytes
    start_event: str
    channel: str | None
    device: str | None
    source: str
    variant: str | None
    last_event_at: int
    ended_at: int | None
    due_at: int | None
    drop_reason: str | None
    drop_phase: str | None
    drop_at: int | None
    drop_evidence: str | None
    resting: bytes | None
    end_key: bytes | None


class StepRow(NamedTuple):
    """As tables.steps, without the workspace."""

    customer: bytes
    build: int
    key: bytes
    instance: bytes
    seq: int
    slot: int
    touchpoint: str | None
    phase: str
    direction: str
    status: str
    channel: str | None
    device: str | None
