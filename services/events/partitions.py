"""Customers are spread over partitions by a part of their id, which is a digest: each is projected by one process."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func
from sqlalchemy.ext.asyncio import AsyncConnection

PARTITIONS = 16
_HEXADECIMAL = "0123456789ABCDEF"


def partition_of(customer: bytes) -> int:
    return customer[0] % PARTITIONS


def partition_in_sql(connection: AsyncConnection, customer: ColumnElement[Any]) -> ColumnElement[int]:
    """`partition_of` a column, computed by the database."""
    if connection.dialect.name == "postgresql":
        return cast(func.get_byte(customer, 0).op("%")(PARTITIONS), Integer)
    # SQLite has no function that reads a byte: the second hexadecimal digit is the rest of dividing by sixteen.
    return cast(func.instr(_HEXADECIMAL, func.substr(func.hex(customer), 2, 1)) - 1, Integer)
