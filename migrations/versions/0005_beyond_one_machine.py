"""jobs know whether somebody waits for them, until when they are of use, and their trace.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.add_column(
        "jobs",
        sa.Column(
            "priority",
            sa.String(length=16),
            server_default=sa.text("'interactive'"),
            nullable=False,
        ),
    )
    op.add_column("jobs", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("trace", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    op.drop_column("jobs", "trace")
    op.drop_column("jobs", "expires_at")
    op.drop_column("jobs", "priority")
