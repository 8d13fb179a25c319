"""The tables. Migrations make them; this file says what queries may rely on.

Every writing transaction that touches templates first raises its gallery's `revision` (one
UPDATE ... RETURNING, which locks the row), so revisions are gapless and in commit order. What
happened up to a revision can be read back: templates carry the revision that added them, and
`template_removals` the revision that took them away.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.registry.columns import BigId, Json, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

galleries = Table(
    "galleries",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("revision", BigId, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime, nullable=False),
    # An index is held by gallery id; an id used again would serve a dead gallery's vectors.
    sqlite_autoincrement=True,
)

subjects = Table(
    "subjects",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("name", String(200)),
    Column("metadata", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("gallery_id", "external_id"),
    Index(None, "external_id"),
    sqlite_autoincrement=True,
)

walks = Table(
    "walks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True),
    # No foreign key: the walk outlives its job, whose row is purged after a day.
    Column("job_id", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("gei", LargeBinary, nullable=False),
    Column("quality", Json, nullable=False),
    Column("source", Text, nullable=False),
    # As the camera saw it; NULL where it cannot be told.
    Column("direction", String(16)),
)

templates = Table(
    "templates",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("walk_id", ForeignKey("walks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), nullable=False),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("checkpoint_id", String(128), nullable=False),
    # float32, little endian, D values, length 1.
    Column("vector", LargeBinary, nullable=False),
    Column("revision", BigId, nullable=False),
    Index(None, "gallery_id", "checkpoint_id", "revision"),
    # A template id names one vector for ever: removals refer to it.
    sqlite_autoincrement=True,
)

template_removals = Table(
    "template_removals",
    metadata,
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("template_id", BigId, primary_key=True, autoincrement=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("gallery", String(64), nullable=False),
    Column("subject", String(128)),
    Column("request", Json, nullable=False),
    Column("uploads", Json, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("crashes", Integer, nullable=False, server_default=text("0")),
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),
    Column("result", Json),
    Column("problem", Json),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    CheckConstraint("kind IN ('enroll', 'identify', 'verify')", name="kind"),
    CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed')", name="state"),
    Index(None, "gallery", "subject"),
    # Few rows are unfinished at any time, so these stay small and finished rows cost nothing.
    Index(
        "ix_jobs_unfinished",
        "state",
        "created_at",
        sqlite_where=text("state IN ('queued', 'running')"),
        postgresql_where=text("state IN ('queued', 'running')"),
    ),
    Index(None, "finished_at"),
)

job_mentions = Table(
    "job_mentions",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "subject_id",
        ForeignKey("subjects.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
)

# The pictures of an answer, one per walker it speaks of; they go with their job.
job_geis = Table(
    "job_geis",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("walker", Integer, primary_key=True, autoincrement=False),
    Column("gei", LargeBinary, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    # What the call made: one of the two. The key is forgotten with it.
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), index=True),
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), index=True),
    Column("created_at", UtcDateTime, nullable=False),
)
