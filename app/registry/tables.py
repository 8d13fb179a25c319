"""The tables. Migrations make them; this file says what queries may rely on.

Every writing transaction that touches templates first raises its gallery's `revision` (one
UPDATE ... RETURNING, which locks the row), so revisions are gapless and in commit order. What
happened up to a revision can be read back: templates carry the revision that added them, and
`template_removals` the revision that took them away.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
    # Rules; NULL where there is none: most walks kept of one subject, and ages in days at which
    # walks, and subjects of whom nothing newer is known, are erased.
    Column("walks_per_subject", Integer),
    Column("keep_walks_days", Integer),
    Column("keep_subjects_days", Integer),
    # The secret of the rotation that protects the gallery's templates, wrapped by the master key of
    # this fingerprint; NULL where templates are as the encoder gave them.
    Column("rotation", LargeBinary),
    Column("rotation_master", String(16)),
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
    # The pages of one gallery, in the order of ids.
    Index(None, "gallery_id", "id"),
    sqlite_autoincrement=True,
)

walks = Table(
    "walks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False),
    # No foreign key: the walk outlives its job, whose row is purged after a day.
    Column("job_id", String(36)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("gei", LargeBinary, nullable=False),
    # What `gei` is encrypted with; NULL where it is not. No foreign key: see templates.
    Column("data_key_id", BigId),
    Column("quality", Json, nullable=False),
    Column("source", Text, nullable=False),
    # As the camera saw it; NULL where it cannot be told.
    Column("direction", String(16)),
    # Ages are looked up without reading rows, which hold pictures.
    Index(None, "subject_id", "created_at"),
)

# What a subject's biometrics are encrypted with, wrapped by the master key of this fingerprint. A
# merge gives the keys of one subject to the other: whoever is erased, their keys go with them.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master", String(16), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    # What a lost key encrypted must never meet a new key of the same number.
    sqlite_autoincrement=True,
)

# Two subjects that were found to be one person, until the merge can no longer be taken back.
merges = Table(
    "merges",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True),
    # The subject that is no more, as it was: its id, name, metadata, times and walk ids.
    Column("external_id", String(128), nullable=False),
    Column("absorbed", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("undo_until", UtcDateTime, nullable=False, index=True),
)

templates = Table(
    "templates",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("walk_id", ForeignKey("walks.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), nullable=False),
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("checkpoint_id", String(128), nullable=False),
    # float32, little endian, D values, length 1; encrypted where `data_key_id` names a key. That is
    # no foreign key, which would cost a lookup for each of a million templates: key and template go
    # with their subject.
    Column("vector", LargeBinary, nullable=False),
    Column("data_key_id", BigId),
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

# What a gallery's own scores say of the threshold; one row per checkpoint, the newest.
gallery_calibrations = Table(
    "gallery_calibrations",
    metadata,
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), primary_key=True),
    Column("checkpoint_id", String(128), primary_key=True),
    Column("revision", BigId, nullable=False),
    Column("calibration", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# Erasures that were asked for and are not done yet: they go with whom they are about.
asked_erasures = Table(
    "asked_erasures",
    metadata,
    Column("id", BigId, primary_key=True),
    Column(
        "gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    # NULL for everybody in the gallery.
    Column("subject_id", ForeignKey("subjects.id", ondelete="CASCADE"), index=True),
    Column("actor", String(128), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", String(128), primary_key=True),
    # The file itself, so that every process has it; NULL for the one that ships with the package.
    Column("weights", LargeBinary),
    Column("about", Json, nullable=False),
    Column("installed_at", UtcDateTime, nullable=False),
)

# Which checkpoint serves: the newest row. Older rows say what a rollback goes back to.
activations = Table(
    "activations",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("checkpoint_id", ForeignKey("checkpoints.id"), nullable=False),
    Column("activated_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# A new checkpoint's templates being made of all stored walks, by one process at a time.
reembeddings = Table(
    "reembeddings",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("checkpoint_id", ForeignKey("checkpoints.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("activate_when_done", Boolean, nullable=False),
    # Whether it may take over although walks have no template by it.
    Column("accept_loss", Boolean, nullable=False),
    # Walks it has passed, those among them it could not embed, and all there were at the start.
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer, nullable=False),
    Column("problem", Json),
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint(
        "state IN ('running', 'paused', 'complete', 'cancelled', 'failed')", name="state"
    ),
)

# Walks that a checkpoint can make no template of.
walk_refusals = Table(
    "walk_refusals",
    metadata,
    Column("walk_id", ForeignKey("walks.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "checkpoint_id",
        ForeignKey("checkpoints.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("reason", String(64), nullable=False),
)

# How far a collection of vectors outside of SQL (app/search/milvus) has come: one row per gallery
# and checkpoint, written by whoever holds its lease.
index_feeds = Table(
    "index_feeds",
    metadata,
    # No foreign key: the row outlives its gallery until the collection is dropped.
    Column("gallery_id", BigId, primary_key=True, autoincrement=False),
    Column("checkpoint_id", String(128), primary_key=True),
    # NULL before the first vector came.
    Column("collection", String(255)),
    # Which history of this database it belongs to (`facts`).
    Column("epoch", String(36)),
    # All changes up to here are in it; what they removed is out of it up to `cleaned`.
    Column("revision", BigId, nullable=False, server_default=text("0")),
    Column("cleaned", BigId, nullable=False, server_default=text("0")),
    Column("templates", BigId, nullable=False, server_default=text("0")),
    Column("subjects", BigId, nullable=False, server_default=text("0")),
    # float64 sum of all vectors in it, wrapped by the master key of this fingerprint; both NULL
    # without vectors, the fingerprint without a master key.
    Column("sums", LargeBinary),
    Column("master", String(16)),
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),
)

# What is true of the database as a whole. `epoch`: revisions and template ids count up within one
# epoch only; a restored backup begins another (app/registry/facts.py), so that nothing kept
# elsewhere, such as a snapshot of an index, is taken for the same numbers of another history.
facts = Table(
    "facts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
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
    # Who asked for it, as the audit log names callers.
    Column("actor", String(128)),
    # `interactive` while a caller waits for the answer, `bulk` when nobody does.
    Column("priority", String(16), nullable=False, server_default=text("'interactive'")),
    # After this the answer is of no use to who asked.
    Column("expires_at", UtcDateTime),
    # The W3C traceparent of the call; its parent id is the id of the request.
    Column("trace", String(64)),
    # What a running job does at the moment; only known of those that take a while.
    Column("stage", String(16)),
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
    Index("ix_jobs_created_at", "created_at", "id"),
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
    # The master key it is encrypted under; NULL where it is not.
    Column("master", String(16)),
)

# What an identification rests on, where the caller asked for it; it goes with its job.
job_explanations = Table(
    "job_explanations",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("walker", Integer, primary_key=True, autoincrement=False),
    Column("explanation", LargeBinary, nullable=False),
    # The master key it is encrypted under; NULL where it is not.
    Column("master", String(16)),
)

# Who may call. Revoked keys stay, so that a service that once had keys is never open again.
keys = Table(
    "keys",
    metadata,
    # Visible in the key itself, before the secret.
    Column("id", String(16), primary_key=True),
    # SHA-256 of the whole key, which nobody can look up: it holds 256 random bits.
    Column("digest", LargeBinary, nullable=False),
    Column("label", String(200), nullable=False),
    Column("scopes", Json, nullable=False),
    # Names of galleries; NULL for all.
    Column("galleries", Json),
    Column("requests_per_minute", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

# A browser that signed in with a key, until it signs out or the time is up.
sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie.
    Column("digest", LargeBinary, primary_key=True),
    Column("key_id", ForeignKey("keys.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# Who did what: only ever added to (triggers refuse the rest), each row chained to the one before
# (app/registry/audit/). Of people it holds numbers alone, which mean nothing once their rows are
# gone.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigId, primary_key=True, autoincrement=False),
    # What was hashed, byte for byte: JSON with seq, time, actor, action and details.
    Column("entry", Text, nullable=False),
    # SHA-256 of the hash before and the entry.
    Column("hash", LargeBinary, nullable=False),
)

# The end of the chain, signed unless whoever wrote it had no key: one row, whose lock keeps writers
# in turn.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigId, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Column("signer", String(64)),
    CheckConstraint("id = 1", name="one"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    # What the call made: one of the two, and the key is forgotten with it. Of a call that makes
    # neither, the answer itself; it names nobody, and is forgotten after a day.
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), index=True),
    Column("gallery_id", ForeignKey("galleries.id", ondelete="CASCADE"), index=True),
    Column("answer", Json),
    Column("created_at", UtcDateTime, nullable=False),
)
