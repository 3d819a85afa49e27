"""Counters are of a whole workspace, with the gaps apart

What there was of each partition is added up, in portions: a year of counters does not fit into memory, and a
transaction of which nothing is heard for long is cut off.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = ("workspace", "build", "version", "day", "dimension", "value")
_PORTION = 200
_EDGE = "f"
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


def _added_up() -> Iterator[dict[str, Any]]:
    for key, rows in groupby(_counters(), key=lambda row: tuple(row[:-2])):
        plain: defaultdict[str, int] = defaultdict(int)
        gaps: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
        for *_place, body in rows:
            counts, histograms = _decode(body)
            for name, count in counts.items():
                plain[name] += count
            for edge, buckets in histograms.items():
                plain[f"{_EDGE}\0{edge}"] += sum(buckets.values())
                for bucket, count in buckets.items():
                    gaps[edge][bucket] += count
        sums = {"body": _encode(plain), "gaps": _encode({edge: _sorted(buckets) for edge, buckets in gaps.items()})}
        yield dict(zip(_KEY, key, strict=True)) | sums


def _counters() -> Iterator[Sequence[Any]]:
    """All of them, in the order of their keys."""
    names = (*_KEY, "partition")
    table = sa.table("counters", *(sa.column(name) for name in names), sa.column("body", sa.LargeBinary))
    place = sa.tuple_(*(table.c[name] for name in names))
    query = sa.select(table).order_by(*(table.c[name] for name in names)).limit(_PORTION)
    rows = op.get_bind().execute(query).all()
    while rows:
        yield from rows
        rows = op.get_bind().execute(query.where(place > sa.tuple_(*map(sa.literal, rows[-1][:-1])))).all()


def _sorted(buckets: Mapping[int, int]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(dict(sorted(buckets.items()))))
