"""Customers fold from where they stood: states, checkpoints, builds and counters

The state is a projection of the log: what it held is thrown away and made again. Only the ids that instances had before
are kept, because they were given out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("dirty", "customers", "instances", "steps", "stuck"):
        op.drop_table(table)
    for table in ("cursors", "seen_messages", "identifiers", "links", "timeline", "rejected_events", "models"):
        op.execute(f"DELETE FROM {table}")
    op.create_table(
        "dirty",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("from_key", sa.LargeBinary(), nullable=False),
        sa.Column("to_key", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "customer", "xid", "seq", name=op.f("pk_dirty")),
    )
    op.create_index("ix_dirty_workspace_xid_seq", "dirty", ["workspace", "xid", "seq"], unique=False)
    op.create_table(
        "customers",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("first_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_key", sa.LargeBinary(), nullable=False),
        sa.Column("first_event", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("traits", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("clock", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "customer", name=op.f("pk_customers")),
    )
    op.create_index("ix_customers_workspace_last_seen_at", "customers", ["workspace", "last_seen_at"], unique=False)
    op.create_index(
        "ix_customers_workspace_partition_due_at", "customers", ["workspace", "partition", "due_at"], unique=False
    )
    op.create_table(
        "checkpoints",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "customer", "key", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "builds",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("journey", sa.String(length=64), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "build", name=op.f("pk_builds")),
    )
    op.create_table(
        "build_progress",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=False),
        sa.Column("folded", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "build", "partition", name=op.f("pk_build_progress")),
    )
    op.create_table(
        "instances",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("instance", sa.LargeBinary(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("journey", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("furthest", sa.String(length=64), nullable=False),
        sa.Column("touchpoint", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("start_key", sa.LargeBinary(), nullable=False),
        sa.Column("start_event", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("last_event_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("drop_reason", sa.String(length=32), nullable=True),
        sa.Column("drop_phase", sa.String(length=64), nullable=True),
        sa.Column("drop_at", sa.BigInteger(), nullable=True),
        sa.Column("drop_evidence", sa.Text(), nullable=True),
        sa.Column("resting", sa.LargeBinary(), nullable=True),
        sa.Column("end_key", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "customer", "build", "start_key", name=op.f("pk_instances")),
    )
    op.create_index(
        "ix_instances_workspace_customer_build_end_key",
        "instances",
        ["workspace", "customer", "build", "end_key"],
        unique=False,
        postgresql_where=sa.text("end_key IS NOT NULL"),
        sqlite_where=sa.text("end_key IS NOT NULL"),
    )
    op.create_index("ix_instances_workspace_instance", "instances", ["workspace", "instance"], unique=False)
    op.create_index(
        "ix_instances_workspace_journey_started_at", "instances", ["workspace", "journey", "started_at"], unique=False
    )
    op.create_index(
        "ix_instances_workspace_key_customer_build",
        "instances",
        ["workspace", "key", "customer", "build"],
        unique=False,
        postgresql_where=sa.text("key IS NOT NULL"),
        sqlite_where=sa.text("key IS NOT NULL"),
    )
    op.create_index(
        "ix_instances_workspace_started_at_instance", "instances", ["workspace", "started_at", "instance"], unique=False
    )
    op.create_table(
        "steps",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("instance", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("touchpoint", sa.String(length=64), nullable=True),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "customer", "build", "key", name=op.f("pk_steps")),
    )
    op.create_table(
        "instance_changes",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_instance_changes")),
    )
    op.create_index(
        "ix_instance_changes_workspace_xid_seq", "instance_changes", ["workspace", "xid", "seq"], unique=False
    )
    op.create_table(
        "moving_instances",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.LargeBinary(), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "instance", "build", name=op.f("pk_moving_instances")),
    )
    op.create_table(
        "counters",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("build", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace", "build", "version", "day", "dimension", "value", "partition", name=op.f("pk_counters")
        ),
    )
    op.create_table(
        "counter_changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_counter_changes")),
    )
    op.create_index(
        "ix_counter_changes_workspace_partition", "counter_changes", ["workspace", "partition"], unique=False
    )
    op.create_table(
        "stuck",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "customer", "event", name=op.f("pk_stuck")),
    )
