"""Instances at rest are found by their last events, and customers by the moment up to which silence is told"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_REST = sa.text("resting IS NOT NULL AND end_key IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_instances_workspace_customer_build_last_event_at",
        "instances",
        ["workspace", "customer", "build", "last_event_at"],
        unique=False,
        postgresql_where=_AT_REST,
        sqlite_where=_AT_REST,
    )
    op.create_index("ix_customers_workspace_clock", "customers", ["workspace", "clock"], unique=False)
