"""Published personas, and where the events stand that their rules ask about"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "published_personas",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("persona", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("matches", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "persona", "version", name=op.f("pk_published_personas")),
    )
    op.create_table(
        "asked_names",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("after_xid", sa.BigInteger(), nullable=True),
        sa.Column("after_seq", sa.BigInteger(), nullable=True),
        sa.Column("until_xid", sa.BigInteger(), nullable=True),
        sa.Column("until_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "name", name=op.f("pk_asked_names")),
    )
    op.create_table(
        "occurrences",
        sa.Column("workspace", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "profile", "name", "key", name=op.f("pk_occurrences")),
    )
