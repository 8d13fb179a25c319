"""Templates and jobs that pass to another subject, or with their subject to another gallery.

A template's id says whose vector it is, in every index, for ever. So templates do not change hands:
their removal is noted and new ones, with new ids, are added. Walks keep their ids.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from app.registry.job import UNFINISHED
from app.registry.revision import Raised, note_removals
from app.registry.rotation.turning import Turn, turn_templates
from app.registry.sealing import Vault
from app.registry.tables import job_mentions, jobs, templates


def hand_over_templates(
    connection: Connection,
    vault: Vault,
    which: ColumnElement[bool],
    *,
    of: tuple[Raised, int],
    to: tuple[Raised, int],
) -> None:
    """Replaces templates by equal ones of another subject or gallery.

    They stay encrypted under data keys of the subject they leave.

    Args:
        connection: of the transaction that raised the revisions.
        vault: opens templates where the two galleries store them under different rotations.
        which: of the templates of `of`, by `templates.c`.
        of: the gallery and the number of the subject they leave.
        to: the gallery and the number of the subject they join; not the same pair.
    """
    (left, left_subject_id), (joined, joined_subject_id) = of, to
    leaving = and_(
        templates.c.gallery_id == left.gallery_id,
        templates.c.subject_id == left_subject_id,
        which,
    )
    back, forth = left.rotation.opened(vault), joined.rotation.opened(vault)
    if back != forth:
        turn = Turn(left, joined, back, forth, joined_subject_id)
        turn_templates(connection, vault, leaving, turn)
        return
    note_removals(connection, left, leaving)
    connection.execute(
        insert(templates).from_select(
            [
                "walk_id",
                "gallery_id",
                "subject_id",
                "checkpoint_id",
                "vector",
                "data_key_id",
                "revision",
            ],
            select(
                templates.c.walk_id,
                literal(joined.gallery_id),
                literal(joined_subject_id),
                templates.c.checkpoint_id,
                templates.c.vector,
                templates.c.data_key_id,
                literal(joined.revision),
            )
            .where(leaving)
            .order_by(templates.c.id),
        )
    )
    connection.execute(delete(templates).where(leaving))


def names(gallery: str, subject: str, subject_id: int) -> ColumnElement[bool]:
    """Which jobs are about a subject or name it in their answer, by `jobs.c`.

    Args:
        gallery: name of the subject's gallery.
        subject: the caller's id.
        subject_id: number of the subject's row.
    """
    mentioning = select(job_mentions.c.job_id).where(job_mentions.c.subject_id == subject_id)
    return or_(
        and_(jobs.c.gallery == gallery, jobs.c.subject == subject), jobs.c.id.in_(mentioning)
    )


def mention_in(connection: Connection, which: ColumnElement[bool], subject_id: int) -> None:
    """Has finished jobs count as naming a subject, so that its erasure erases them too.

    A job that still runs writes down by itself whom its answer names.

    Args:
        connection: of a transaction that has locked the subject's row.
        which: of the finished jobs, by `jobs.c`.
        subject_id: number of the subject's row.
    """
    noted = exists().where(
        job_mentions.c.job_id == jobs.c.id, job_mentions.c.subject_id == subject_id
    )
    connection.execute(
        insert(job_mentions).from_select(
            ["job_id", "subject_id"],
            select(jobs.c.id, literal(subject_id)).where(
                jobs.c.state.not_in(UNFINISHED), which, ~noted
            ),
        )
    )


def redirect_waiting(connection: Connection, *, of: tuple[str, str], to: tuple[str, str]) -> None:
    """Has the unfinished jobs about a subject go on with another one, or in another gallery.

    Args:
        connection: of a transaction that has locked both galleries.
        of: name of the gallery, and the caller's id of the subject.
        to: likewise, from now on.
    """
    connection.execute(
        update(jobs)
        .where(jobs.c.gallery == of[0], jobs.c.subject == of[1], jobs.c.state.in_(UNFINISHED))
        .values(gallery=to[0], subject=to[1])
    )
