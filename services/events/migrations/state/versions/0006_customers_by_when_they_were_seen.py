"""Customers are listed by when they were seen last, and links of full clusters are found from both sides"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OVERFULL = sa.text("refusal = 'OVERFULL'")


def upgrade() -> None:
    columns = ["workspace", "last_seen_at", "customer"]
    op.create_index("ix_customers_workspace_last_seen_at_customer", "customers", columns, unique=False)
    op.drop_index("ix_customers_workspace_last_seen_at", table_name="customers")
    links = sa.table("links", sa.column("cluster", sa.LargeBinary()), sa.column("refusal", sa.String()))
    op.execute(links.update().where(links.c.cluster == b"").values(refusal="OVERFULL"))
    op.create_index(
        "ix_links_workspace_weak",
        "links",
        ["workspace", "weak"],
        unique=False,
        postgresql_where=_OVERFULL,
        sqlite_where=_OVERFULL,
    )
