"""Customers are spread over partitions by a part of their id, which is a digest: each is projected by one process."""

from __future__ import annotations

PARTITIONS = 16


def partition_of(customer: bytes) -> int:
    return customer[0] % PARTITIONS
