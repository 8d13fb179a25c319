"""What is written down; docs/audit.md says of each when, and with which details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

Action: TypeAlias = Literal[
    "audit.head_not_ours",
    "backup.made",
    "backup.restored",
    "call.refused",
    "checkpoint.activated",
    "checkpoint.installed",
    "checkpoint.removed",
    "encryption.rotated",
    "gallery.calibrated",
    "gallery.changed",
    "gallery.created",
    "gallery.erased",
    "gallery.exported",
    "gallery.imported",
    "gallery.protected",
    "gei.viewed",
    "key.created",
    "key.revoked",
    "merges.final",
    "merge.undone",
    "reembedding.cancelled",
    "reembedding.completed",
    "reembedding.failed",
    "reembedding.paused",
    "reembedding.resumed",
    "reembedding.started",
    "retention.erased",
    "search.identified",
    "search.verified",
    "service.started",
    "session.opened",
    "session.closed",
    "subject.changed",
    "subject.enrolled",
    "subject.erased",
    "subject.merged",
    "subject.moved",
    "walk.erased",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

Detail: TypeAlias = int | str | Sequence[int] | Sequence[str] | Mapping[str, int | None] | None
"""Numbers of rows, UUIDs, counts. Never what a caller wrote about a person (ids, names, metadata,
names of files) and never anything measured of one: an erased person must leave no trace here."""
