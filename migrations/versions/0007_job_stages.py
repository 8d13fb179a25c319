"""jobs that take a while say how far they are.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.add_column("jobs", sa.Column("stage", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    op.drop_column("jobs", "stage")
