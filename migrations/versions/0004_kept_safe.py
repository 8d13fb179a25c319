"""keys and sessions, the audit log, encryption, protected templates, erasures that are asked for.

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True)
_INSTANT = sa.DateTime(timezone=True)

# A slip of the hand, or a tool that tidies up, cannot change the log; against whoever may drop
# triggers there is the chain. A backup may hold these triggers and no others.
SQLITE_TRIGGERS = tuple(
    f"CREATE TRIGGER audit_refuses_{deed} BEFORE {deed.upper()} ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END"
    for deed in ("update", "delete")
)
_POSTGRES_TRIGGERS = (
    "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$",
    "CREATE TRIGGER audit_refuses BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()",
)

# ANALYZE copies frequent values of a column into pg_statistic, where they outlive their rows.
_PERSONAL = (
    ("subjects", "external_id"),
    ("subjects", "name"),
    ("subjects", "metadata"),
    ("merges", "external_id"),
    ("merges", "absorbed"),
    ("walks", "gei"),
    ("walks", "quality"),
    ("templates", "vector"),
    ("jobs", "subject"),
    ("jobs", "request"),
    ("jobs", "result"),
    ("jobs", "problem"),
    ("job_geis", "gei"),
)

_NEW_COLUMNS = (
    ("galleries", "rotation", sa.LargeBinary()),
    ("galleries", "rotation_master", sa.String(length=16)),
    ("walks", "data_key_id", _BIG_ID),
    ("templates", "data_key_id", _BIG_ID),
    ("jobs", "actor", sa.String(length=128)),
    ("job_geis", "master", sa.String(length=16)),
)


def upgrade() -> None:
    """Applies the change."""
    for table, name, kind in _NEW_COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    _create_data_keys()
    _create_keys()
    _create_audit()
    _create_asked_erasures()
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _PERSONAL:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Takes the change back. What is encrypted or protected must be laid open before."""
    bind = op.get_bind()
    for question in (
        "SELECT COUNT(*) FROM data_keys",
        "SELECT COUNT(*) FROM galleries WHERE rotation IS NOT NULL",
    ):
        if bind.execute(sa.text(question)).scalar_one():
            raise RuntimeError("something is encrypted or protected: without its keys it is lost")
    for table in ("asked_erasures", "audit_head", "audit", "sessions", "keys", "data_keys"):
        op.drop_table(table)
    if bind.dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuses()")
    for table, name, _ in reversed(_NEW_COLUMNS):
        op.drop_column(table, name)


def _create_data_keys() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("subject_id", _BIG_ID, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=16), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_data_keys_subject_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_data_keys_subject_id"), "data_keys", ["subject_id"])
    op.create_index(op.f("ix_data_keys_master"), "data_keys", ["master"])


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("galleries", _JSON, nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.Column("last_used_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"], ["keys.id"], name=op.f("fk_sessions_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_key_id"), "sessions", ["key_id"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _BIG_ID, autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", _BIG_ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("signer", sa.String(length=64), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    triggers = SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else _POSTGRES_TRIGGERS
    for trigger in triggers:
        op.execute(trigger)


def _create_asked_erasures() -> None:
    op.create_table(
        "asked_erasures",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("gallery_id", _BIG_ID, nullable=False),
        sa.Column("subject_id", _BIG_ID, nullable=True),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"],
            ["galleries.id"],
            name=op.f("fk_asked_erasures_gallery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.id"],
            name=op.f("fk_asked_erasures_subject_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_erasures")),
    )
    op.create_index(op.f("ix_asked_erasures_gallery_id"), "asked_erasures", ["gallery_id"])
    op.create_index(op.f("ix_asked_erasures_subject_id"), "asked_erasures", ["subject_id"])
