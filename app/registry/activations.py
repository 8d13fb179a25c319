"""Which checkpoint serves, and which is being made ready. Works inside the caller's transaction.

The newest activation is the lock of all this: whoever changes what serves, or what walks are being
embedded by, holds it exclusively; an enrolment shares it until it commits. So no enrolment
can commit templates of yesterday's checkpoints only. Galleries are locked before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, insert, select

from app.registry.audit import note
from app.registry.tables import activations, reembeddings

UNFINISHED = ("running", "paused")


class ServingChanged(Exception):
    """Another checkpoint serves or is being made ready by now: embed the walks again."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What new walks are embedded by, at one instant.

    Attributes:
        activation: number of the activation that this follows from.
        active: id of the checkpoint that searches use.
        upcoming: id of the one that walks are being embedded by, where it is another.
    """

    activation: int
    active: str
    upcoming: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all checkpoints that a new walk needs a template by, the active one first."""
        return (self.active,) if self.upcoming is None else (self.active, self.upcoming)


_NEWEST: Select[int, str] = (
    select(activations.c.id, activations.c.checkpoint_id).order_by(activations.c.id.desc()).limit(1)
)
_UPCOMING = (
    select(reembeddings.c.checkpoint_id)
    .where(reembeddings.c.state.in_(UNFINISHED))
    .scalar_subquery()
)
SERVING: Select[int, str, str | None] = _NEWEST.add_columns(_UPCOMING)
"""What serves, for `serving_of`; no row in a database that no service has opened yet."""


def serving_now(connection: Connection) -> Serving | None:
    """What serves; None in a database that no service has opened yet."""
    return serving_of(connection.execute(SERVING).all())


def serving_of(rows: Sequence[Row[int, str, str | None]]) -> Serving | None:
    """What the rows of SERVING say."""
    if not rows:
        return None
    activation, active, upcoming = rows[0]
    return Serving(activation, active, None if upcoming == active else upcoming)


def hold(connection: Connection, *, exclusively: bool) -> Serving:
    """Keeps what serves as it is until the transaction ends.

    SQLite has one writer at a time, so nothing needs to be locked there.

    Args:
        connection: of a writing transaction.
        exclusively: to change it; otherwise others may hold it too.

    Raises:
        LookupError: nothing was ever activated.
    """
    while True:
        locked = connection.execute(_NEWEST.with_for_update(read=not exclusively)).one_or_none()
        serving = serving_now(connection)
        if locked is None or serving is None:
            raise LookupError("no checkpoint was ever activated in this database")
        # Whoever held the lock before may have added a newer activation.
        if serving.activation == locked[0]:
            return serving


def require_unchanged(connection: Connection, expected: Serving) -> None:
    """Makes sure that walks were embedded by what serves now, until the transaction ends.

    Raises:
        ServingChanged: by something else.
    """
    if hold(connection, exclusively=False).ids != expected.ids:
        raise ServingChanged


def put_activation(connection: Connection, checkpoint_id: str, now: datetime) -> None:
    """Has a checkpoint serve from the end of this transaction on; the caller holds the lock."""
    connection.execute(insert(activations), {"checkpoint_id": checkpoint_id, "activated_at": now})
    note(connection, "checkpoint.activated", checkpoint=checkpoint_id)


def served_before(connection: Connection, active: str) -> str | None:
    """The checkpoint that served before the present one; None when there was no other."""
    earlier: str | None = connection.execute(
        select(activations.c.checkpoint_id)
        .where(activations.c.checkpoint_id != active)
        .order_by(activations.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return earlier
