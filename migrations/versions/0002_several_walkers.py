"""several walkers.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "job_geis",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("walker", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gei", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_geis_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "walker", name=op.f("pk_job_geis")),
    )
    op.execute(
        "INSERT INTO job_geis (job_id, walker, gei)"
        " SELECT id, 1, gei FROM jobs WHERE gei IS NOT NULL"
    )
    # Not as a batch: SQLite would copy the table, and dropping the old one would take everything
    # along that refers to a job.
    op.drop_column("jobs", "gei")
    op.add_column("walks", sa.Column("direction", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Takes the change back; of several walkers in one answer the first one's picture stays."""
    op.drop_column("walks", "direction")
    op.add_column("jobs", sa.Column("gei", sa.LargeBinary(), nullable=True))
    op.execute(
        "UPDATE jobs SET gei = (SELECT job_geis.gei FROM job_geis"
        " WHERE job_geis.job_id = jobs.id ORDER BY walker LIMIT 1)"
    )
    op.drop_table("job_geis")
