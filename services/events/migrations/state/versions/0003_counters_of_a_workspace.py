"""Counters are of a whole workspace, with the gaps apart

What there was of each partition is added up.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = ("workspace", "build", "version", "day", "dimension", "value")
_EDGE = "f"


def upgrade() -> None:
    counters = _added_up()
    changes = _without_partition()
    op.drop_table("counters")
    op.drop_table("counter_changes")
    made = op.create_table(
        "counters",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("gaps", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_counters")),
    )
    op.bulk_insert(made, counters)
    made = op.create_table(
        "counter_changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_counter_changes")),
    )
    op.bulk_insert(made, changes)
    op.create_index("ix_counter_changes_workspace", "counter_changes", ["workspace"], unique=False)


def _added_up() -> list[dict[str, Any]]:
    plain: dict[Any, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    gaps: dict[Any, dict[str, defaultdict[int, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for *key, body in op.get_bind().execute(sa.text(f"SELECT {', '.join(_KEY)}, body FROM counters")):
        counts, histograms = msgspec.msgpack.decode(body, type=tuple[dict[str, int], dict[str, dict[int, int]]])
        for name, count in counts.items():
            plain[tuple(key)][name] += count
        for edge, buckets in histograms.items():
            plain[tuple(key)][f"{_EDGE}\0{edge}"] += sum(buckets.values())
            for bucket, count in buckets.items():
                gaps[tuple(key)][edge][bucket] += count
    encode = msgspec.msgpack.Encoder(order="deterministic").encode
    return [
        dict(zip(_KEY, key, strict=True))
        | {
            "body": encode(counts),
            "gaps": encode({edge: _histogram(buckets) for edge, buckets in gaps[key].items()}),
        }
        for key, counts in plain.items()
    ]


def _histogram(buckets: Mapping[int, int]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(dict(sorted(buckets.items()))))


def _without_partition() -> list[dict[str, Any]]:
    """The partition was the first part of what tells the instances of a change apart."""
    changes = []
    for workspace, body in op.get_bind().execute(sa.text("SELECT workspace, body FROM counter_changes")):
        parts = [[profile[1:], *sums] for profile, *sums in msgspec.msgpack.decode(body)]
        changes.append({"workspace": workspace, "body": msgspec.msgpack.encode(parts)})
    return changes
