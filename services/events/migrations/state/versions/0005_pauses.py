"""The latest pause of an instance is found without reading its other steps"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PAUSED = sa.text("status = 'PAUSED'")


def upgrade() -> None:
    op.create_index(
        "ix_steps_workspace_customer_build_instance_key",
        "steps",
        ["workspace", "customer", "build", "instance", "key"],
        unique=False,
        postgresql_where=_PAUSED,
        sqlite_where=_PAUSED,
    )
