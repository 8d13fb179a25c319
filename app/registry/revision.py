"""The gallery's revision: what every change to templates goes through, first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, literal, select, update

from app.registry.rotation.stored import ROTATION_COLUMNS, StoredRotation, stored_rotation
from app.registry.tables import galleries, template_removals, templates


@dataclass(frozen=True, slots=True)
class Raised:
    """A gallery whose row this transaction holds.

    Attributes:
        gallery_id: number of the gallery.
        gallery: its name.
        revision: the one that this transaction makes.
        rotation: what its templates are stored under, until this transaction changes it.
    """

    gallery_id: int
    gallery: str
    revision: int
    rotation: StoredRotation


def raise_revision(connection: Connection, which: ColumnElement[bool]) -> Raised | None:
    """Raises a gallery's revision and locks its row until the transaction ends.

    Must be the first statement of its transaction: the lock makes revisions gapless and puts
    them in commit order.

    Args:
        connection: of a writing transaction.
        which: names one gallery, by `galleries.c`.

    Returns:
        The gallery and its new revision, or None when there is no such gallery.
    """
    row = connection.execute(
        update(galleries)
        .where(which)
        .values(revision=galleries.c.revision + 1)
        .returning(galleries.c.id, galleries.c.name, galleries.c.revision, *ROTATION_COLUMNS)
    ).one_or_none()
    if row is None:
        return None
    return Raised(row.id, row.name, row.revision, stored_rotation(row))


def note_removals(connection: Connection, raised: Raised, which: ColumnElement[bool]) -> int:
    """Writes down which templates are about to be deleted, so that every index drops them.

    Args:
        connection: of the transaction that raised the revision.
        raised: the gallery and its new revision.
        which: the templates that go, by `templates.c`.

    Returns:
        How many templates go.
    """
    going = select(literal(raised.gallery_id), literal(raised.revision), templates.c.id)
    result = connection.execute(
        insert(template_removals).from_select(
            ["gallery_id", "revision", "template_id"], going.where(which)
        ),
        execution_options={"preserve_rowcount": True},
    )
    return result.rowcount
