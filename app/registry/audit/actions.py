"""What is written down; docs/audit.md says of each when, and with which details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

Action: TypeAlias = Literal[
    "audit.head_not_ours",
    "backup.made",
    "backup.restored",
    "checkpoint.activated",
    "checkpoint.installed",
    "checkpoint.removed",
    "encryption.applied",
    "encryption.rotated",
    "gallery.calibrated",
    "gallery.calibration_forgotten",
    "gallery.changed",
    "gallery.created",
    "gallery.erased",
    "gallery.exported",
    "gallery.imported",
    "gallery.protected",
    "gei.viewed",
    "job.cancelled",
    "key.created",
    "key.revoked",
    "merge.undone",
    "merges.final",
    "reembedding.cancelled",
    "reembedding.completed",
    "reembedding.failed",
    "reembedding.paused",
    "reembedding.resumed",
    "reembedding.started",
    "retention.erased",
    "search.made",
    "service.started",
    "session.closed",
    "session.opened",
    "subject.changed",
    "subject.enrolled",
    "subject.erased",
    "subject.merged",
    "subject.moved",
    "walk.erased",
    "worker.started",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

Detail: TypeAlias = int | str | Sequence[int] | Sequence[str] | Mapping[str, int | None] | None
"""Numbers of rows, counts, ids of searches and checkpoints. Never what a caller wrote (subject ids,
names, metadata, names of galleries and files), nor the ids of walks, which callers may keep, nor
anything measured: once a person is erased, nothing leads from here to them."""
