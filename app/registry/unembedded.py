"""Walks without a template by a checkpoint: which, how many, and whether they can get one.

A stored gait energy image has the size it was made with, and only a checkpoint that takes this size
can embed it. The other GEI settings choose frames; the mean of fewer or more frames is an image of
the same kind. The size stands in the picture's own header, so nothing else needs to be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    select,
)

from app.registry.tables import templates, walk_refusals, walks

OTHER_SIZE = "other-gei-size"
NOT_READABLE = "gei-not-readable"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class GeiSize:
    """Rows and columns of the images that a checkpoint takes, in pixels."""

    height: int
    width: int

    @property
    def png_header(self) -> bytes:
        """Bytes 17 to 24 of a PNG of this size: width and height (PNG, section 11.2.2)."""
        return self.width.to_bytes(4, "big") + self.height.to_bytes(4, "big")


def is_lacking(checkpoint_id: str) -> ColumnElement[bool]:
    """Has neither a template by the checkpoint nor a reason for having none, by `walks.c`."""
    return and_(_without_template(checkpoint_id), not_(_refused(checkpoint_id)))


def count_lacking(connection: Connection, checkpoint_id: str) -> int:
    """How many walks still need a template by the checkpoint."""
    return connection.execute(
        select(func.count()).select_from(walks).where(is_lacking(checkpoint_id))
    ).scalar_one()


def is_any_lacking(connection: Connection, checkpoint_id: str) -> bool:
    """Whether some walk still needs a template by the checkpoint."""
    found = connection.execute(select(walks.c.id).where(is_lacking(checkpoint_id)).limit(1))
    return found.scalar_one_or_none() is not None


def refusals_by_reason(
    connection: Connection, checkpoint_id: str, size: GeiSize | None
) -> dict[str, int]:
    """How many walks can never have a template by the checkpoint, by the reason.

    Args:
        connection: of any transaction.
        checkpoint_id: of the checkpoint.
        size: it takes; None where nothing is known of it, then only known reasons count.
    """
    reason = _reason(checkpoint_id, size).label("reason")
    rows = connection.execute(
        select(reason, func.count())
        .select_from(walks)
        .where(_without_template(checkpoint_id), reason.is_not(None))
        .group_by(reason)
    ).all()
    return {str(row[0]): row[1] for row in rows}


def refused_walks(
    connection: Connection, checkpoint_id: str, size: GeiSize | None, *, after: str, limit: int
) -> list[tuple[str, str]]:
    """Ids and reasons of such walks, by id: at most `limit` that follow `after`."""
    reason = _reason(checkpoint_id, size)
    rows = connection.execute(
        select(walks.c.id, reason)
        .where(_without_template(checkpoint_id), reason.is_not(None), walks.c.id > after)
        .order_by(walks.c.id)
        .limit(limit)
    ).all()
    return [(row[0], str(row[1])) for row in rows]


def _without_template(checkpoint_id: str) -> ColumnElement[bool]:
    return not_(
        exists().where(
            templates.c.walk_id == walks.c.id, templates.c.checkpoint_id == checkpoint_id
        )
    )


def _refused(checkpoint_id: str) -> ColumnElement[bool]:
    return exists().where(
        walk_refusals.c.walk_id == walks.c.id, walk_refusals.c.checkpoint_id == checkpoint_id
    )


def _reason(checkpoint_id: str, size: GeiSize | None) -> ColumnElement[str | None]:
    known = (
        select(walk_refusals.c.reason)
        .where(walk_refusals.c.walk_id == walks.c.id)
        .where(walk_refusals.c.checkpoint_id == checkpoint_id)
        .scalar_subquery()
    )
    if size is None:
        return known
    signature = func.substr(walks.c.gei, 1, 8, type_=LargeBinary)
    header = func.substr(walks.c.gei, 17, 8, type_=LargeBinary)
    seen = case(
        (signature != literal(_PNG_SIGNATURE, LargeBinary), NOT_READABLE),
        (header != literal(size.png_header, LargeBinary), OTHER_SIZE),
    )
    return func.coalesce(known, seen)
