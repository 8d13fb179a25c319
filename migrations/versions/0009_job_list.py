"""jobs are listed by the time of their acceptance.

Revision: 0009, after 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_index(op.f("ix_jobs_created_at"), "jobs", ["created_at", "id"])


def downgrade() -> None:
    """Takes the change back."""
    op.drop_index(op.f("ix_jobs_created_at"), table_name="jobs")
