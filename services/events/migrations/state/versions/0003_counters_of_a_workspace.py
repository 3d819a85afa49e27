"""Counters are of a whole workspace, of months as well as days, with the gaps apart

What there was of each partition is added up, in portions: a year of counters does not fit into memory, and a
transaction of which nothing is heard for long is cut off.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby, islice
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FORMER_KEY = ("workspace", "build", "version", "day", "dimension", "value", "partition")
_KEY = ("workspace", "build", "version", "span", "day", "dimension", "value")
_PORTION = 200
_EDGE = "f"
_FIRST = date(1970, 1, 1).toordinal()
_decode = msgspec.msgpack.Decoder(tuple[dict[str, int], dict[str, dict[int, int]]]).decode
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def upgrade() -> None:
    _change_counters()
    _change_counter_changes()


def _change_counters() -> None:
    sums = op.create_table("counters_sums", *_columns())
    added_up = _added_up()
    while portion := list(islice(added_up, _PORTION)):
        op.bulk_insert(sums, portion)
    op.drop_table("counters")
    key = sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_counters"))
    op.create_table("counters", *_columns(), key)
    op.execute("INSERT INTO counters SELECT * FROM counters_sums")
    op.drop_table("counters_sums")


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("span", sa.String(length=5), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("gaps", sa.LargeBinary(), nullable=False),
    ]


def _change_counter_changes() -> None:
    """The partition was the first part of what tells the instances of a change apart."""
    changes = sa.table("counter_changes", sa.column("number"), sa.column("body", sa.LargeBinary))
    connection = op.get_bind()
    number = -1
    while row := connection.execute(
        sa.select(changes).where(changes.c.number > number).order_by(changes.c.number).limit(1)
    ).first():
        number = row.number
        parts = [[profile[1:], *sums] for profile, *sums in msgspec.msgpack.decode(row.body)]
        body = msgspec.msgpack.encode(parts)
        connection.execute(sa.update(changes).where(changes.c.number == number).values(body=body))
    op.drop_index("ix_counter_changes_workspace_partition", "counter_changes")
    with op.batch_alter_table("counter_changes") as table:
        table.drop_column("partition")
    op.create_index("ix_counter_changes_workspace", "counter_changes", ["workspace"], unique=False)


class _Sums:
    def __init__(self) -> None:
        self._plain: defaultdict[str, int] = defaultdict(int)
        self._gaps: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, body: bytes) -> None:
        """What a former counter said."""
        counts, histograms = _decode(body)
        for name, count in counts.items():
            self._plain[name] += count
        for edge, buckets in histograms.items():
            self._plain[f"{_EDGE}\0{edge}"] += sum(buckets.values())
            for bucket, count in buckets.items():
                self._gaps[edge][bucket] += count

    def row(self, *key: Any) -> dict[str, Any]:
        gaps = {edge: _sorted(buckets) for edge, buckets in self._gaps.items()}
        return dict(zip(_KEY, key, strict=True)) | {"body": _encode(self._plain), "gaps": _encode(gaps)}


def _added_up() -> Iterator[dict[str, Any]]:
    months = groupby(_former(), key=lambda row: (row.workspace, row.build, row.version, _month_of(row.day)))
    for (*version, month), of_month in months:
        sums: defaultdict[tuple[str, str], _Sums] = defaultdict(_Sums)
        for (day, dimension, value), rows in groupby(of_month, key=lambda row: (row.day, row.dimension, row.value)):
            of_day = _Sums()
            for row in rows:
                of_day.add(row.body)
                sums[dimension, value].add(row.body)
            yield of_day.row(*version, "day", day, dimension, value)
        for (dimension, value), of_value in sums.items():
            yield of_value.row(*version, "month", month, dimension, value)


def _former() -> Iterator[sa.Row[Any]]:
    """All counters, in the order of their keys."""
    columns: list[Any] = [sa.column(name) for name in _FORMER_KEY]
    table = sa.table("counters", *columns, sa.column("body", sa.LargeBinary))
    key = [table.c[name] for name in _FORMER_KEY]
    query = sa.select(table).order_by(*key).limit(_PORTION)
    rows = op.get_bind().execute(query).all()
    while rows:
        yield from rows
        last = [sa.literal(getattr(rows[-1], name)) for name in _FORMER_KEY]
        rows = op.get_bind().execute(query.where(sa.tuple_(*key) > sa.tuple_(*last))).all()


def _month_of(day: int) -> int:
    """The first day of a day's month; days are counted from 1970 on."""
    return date.fromordinal(_FIRST + day).replace(day=1).toordinal() - _FIRST


def _sorted(buckets: Mapping[int, int]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(dict(sorted(buckets.items()))))
