"""what an identification rests on is kept beside its answer, where somebody asked for it.

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "job_explanations",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("walker", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("explanation", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["jobs.id"],
            name=op.f("fk_job_explanations_job_id_jobs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "walker", name=op.f("pk_job_explanations")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("job_explanations")
