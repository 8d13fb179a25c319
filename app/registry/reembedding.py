"""A re-embedding, as a value: one checkpoint's templates being made of the stored walks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.registry.columns import AnyRow
from app.registry.tables import reembeddings

ReembeddingState = Literal["running", "paused", "complete", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Reembedding:
    """Where one stands.

    Attributes:
        id: UUID.
        checkpoint_id: whose templates are made.
        state: running and paused ones are unfinished.
        activate_when_done: whether the checkpoint takes over at the end.
        accept_loss: whether it may do so although some walks have no template by it.
        done: walks passed, in all attempts.
        refused: those among them that cannot be embedded.
        total: walks that lacked a template when it began.
        problem: why it failed, or why the checkpoint did not take over; a problem document.
        lease_owner: the instance that works on it; None while nobody does.
        created_at: in UTC.
        updated_at: of the last progress, in UTC.
    """

    id: str
    checkpoint_id: str
    state: ReembeddingState
    activate_when_done: bool
    accept_loss: bool
    done: int
    refused: int
    total: int
    problem: dict[str, object] | None
    lease_owner: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_finished(self) -> bool:
        """True once nothing is done for it any more."""
        return self.state not in ("running", "paused")


COLUMNS: Final = (
    reembeddings.c.id,
    reembeddings.c.checkpoint_id,
    reembeddings.c.state,
    reembeddings.c.activate_when_done,
    reembeddings.c.accept_loss,
    reembeddings.c.done,
    reembeddings.c.refused,
    reembeddings.c.total,
    reembeddings.c.problem,
    reembeddings.c.lease_owner,
    reembeddings.c.created_at,
    reembeddings.c.updated_at,
)


def reembedding_of(row: AnyRow) -> Reembedding:
    """The value of a row of `COLUMNS`."""
    return Reembedding(*row)


@dataclass(frozen=True, slots=True)
class StoredGei:
    """A walk that lacks a template.

    Attributes:
        walk_id: of the walk.
        gallery_id: number of its gallery.
        png: its gait energy image, as PNG bytes.
    """

    walk_id: str
    gallery_id: int
    png: bytes
