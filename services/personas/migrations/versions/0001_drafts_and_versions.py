"""Drafts and versions"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "personas_drafts",
        sa.Column("workspace", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "key", name=op.f("pk_personas_drafts")),
    )
    op.create_table(
        "personas_versions",
        sa.Column("workspace", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "key", "version", name=op.f("pk_personas_versions")),
    )


def downgrade() -> None:
    op.drop_table("personas_versions")
    op.drop_table("personas_drafts")
