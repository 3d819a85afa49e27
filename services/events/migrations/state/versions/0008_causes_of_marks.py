"""Marks say whether imported history made them"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dirty", sa.Column("cause", sa.Integer(), server_default=sa.text("1"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("dirty", schema=None) as batch_op:
        batch_op.drop_column("cause")
