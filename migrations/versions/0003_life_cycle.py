"""life cycle of subjects, thresholds of galleries, several checkpoints.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True)
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Applies the change."""
    for rule in ("walks_per_subject", "keep_walks_days", "keep_subjects_days"):
        op.add_column("galleries", sa.Column(rule, sa.Integer(), nullable=True))
    op.add_column("idempotency_keys", sa.Column("answer", _JSON, nullable=True))
    op.drop_index(op.f("ix_walks_subject_id"), "walks")
    op.create_index(op.f("ix_walks_subject_id_created_at"), "walks", ["subject_id", "created_at"])
    op.create_index(op.f("ix_subjects_gallery_id_id"), "subjects", ["gallery_id", "id"])
    _create_merges()
    _create_gallery_calibrations()
    _create_checkpoints()
    op.create_table(
        "facts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_facts")),
    )


def downgrade() -> None:
    """Takes the change back; merges can then no longer be undone."""
    op.drop_index(op.f("ix_subjects_gallery_id_id"), "subjects")
    op.drop_index(op.f("ix_walks_subject_id_created_at"), "walks")
    op.create_index(op.f("ix_walks_subject_id"), "walks", ["subject_id"])
    op.execute("DELETE FROM idempotency_keys WHERE answer IS NOT NULL")
    op.drop_column("idempotency_keys", "answer")
    for table in (
        "facts",
        "walk_refusals",
        "reembeddings",
        "activations",
        "checkpoints",
        "gallery_calibrations",
        "merges",
    ):
        op.drop_table(table)
    for rule in ("keep_subjects_days", "keep_walks_days", "walks_per_subject"):
        op.drop_column("galleries", rule)


def _create_merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject_id", _BIG_ID, nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("absorbed", _JSON, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("undo_until", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("fk_merges_subject_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_subject_id"), "merges", ["subject_id"])
    op.create_index(op.f("ix_merges_undo_until"), "merges", ["undo_until"])


def _create_gallery_calibrations() -> None:
    op.create_table(
        "gallery_calibrations",
        sa.Column("gallery_id", _BIG_ID, nullable=False),
        sa.Column("checkpoint_id", sa.String(length=128), nullable=False),
        sa.Column("revision", _BIG_ID, nullable=False),
        sa.Column("calibration", _JSON, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"],
            ["galleries.id"],
            name=op.f("fk_gallery_calibrations_gallery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "gallery_id", "checkpoint_id", name=op.f("pk_gallery_calibrations")
        ),
    )


def _create_checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=True),
        sa.Column("about", _JSON, nullable=False),
        sa.Column("installed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "activations",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("checkpoint_id", sa.String(length=128), nullable=False),
        sa.Column("activated_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoints.id"], name=op.f("fk_activations_checkpoint_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reembeddings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("activate_when_done", sa.Boolean(), nullable=False),
        sa.Column("accept_loss", sa.Boolean(), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("problem", _JSON, nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'complete', 'cancelled', 'failed')",
            name=op.f("ck_reembeddings_state"),
        ),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoints.id"], name=op.f("fk_reembeddings_checkpoint_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reembeddings")),
    )
    op.create_table(
        "walk_refusals",
        sa.Column("walk_id", sa.String(length=36), nullable=False),
        sa.Column("checkpoint_id", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["walk_id"], ["walks.id"], name=op.f("fk_walk_refusals_walk_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"],
            ["checkpoints.id"],
            name=op.f("fk_walk_refusals_checkpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("walk_id", "checkpoint_id", name=op.f("pk_walk_refusals")),
    )
    op.create_index(op.f("ix_walk_refusals_checkpoint_id"), "walk_refusals", ["checkpoint_id"])
