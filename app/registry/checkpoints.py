"""The checkpoints that are installed, and which of them serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, distinct, func, select, update

from app.registry.activations import (
    SERVING,
    Serving,
    hold,
    put_activation,
    serving_now,
    serving_of,
)
from app.registry.audit import note
from app.registry.checkpoint_problems import CheckpointInUse, UnknownCheckpoint
from app.registry.database import Database, insert_unless_there, note_erasure
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.revision import note_removals, raise_revision
from app.registry.tables import (
    activations,
    checkpoints,
    galleries,
    reembeddings,
    templates,
    walk_refusals,
    walks,
)
from app.registry.unembedded import GeiSize, refusals_by_reason, refused_walks

_REMOVED_AT_ONCE = 5000
"""Templates in one transaction: enrolments wait for it."""


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A checkpoint that was read and can be run.

    Attributes:
        id: names weights and settings.
        weights: the file; None for the one that ships with this version.
        about: what is shown of it: network, GEI settings, metrics, training.
    """

    id: str
    weights: bytes | None
    about: dict[str, object]


@dataclass(frozen=True, slots=True)
class InstalledCheckpoint:
    """One that this database knows.

    Attributes:
        id: names weights and settings.
        has_weights: False for the one that ships with some version of Walkprint.
        about: see `NewCheckpoint`; empty for one that is known by its templates only.
        installed_at: in UTC.
        active: whether it serves.
        walks_with_template: how many stored walks it can find.
        walks_without_template: how many it cannot.
    """

    id: str
    has_weights: bool
    about: dict[str, object]
    installed_at: datetime
    active: bool
    walks_with_template: int
    walks_without_template: int


class Checkpoints:
    """What can be done with checkpoints; removal aside, every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def serving(self) -> Serving | None:
        """What serves now, and what is being made ready; None before the first service started."""
        return serving_of(self._database.ask(SERVING))

    def list(self) -> tuple[InstalledCheckpoint, ...]:
        """All of them, oldest first."""
        with self._database.read() as connection:
            return _installed(connection)

    def get(self, checkpoint_id: str) -> InstalledCheckpoint:
        """One of them.

        Raises:
            UnknownCheckpoint: there is none.
        """
        for each in self.list():
            if each.id == checkpoint_id:
                return each
        raise UnknownCheckpoint(checkpoint_id)

    def weights(self, checkpoint_id: str) -> bytes | None:
        """The file of a checkpoint; None where it is not kept here.

        Raises:
            UnknownCheckpoint: there is none.
        """
        with self._database.read() as connection:
            row = connection.execute(
                select(checkpoints.c.weights).where(checkpoints.c.id == checkpoint_id)
            ).one_or_none()
        if row is None:
            raise UnknownCheckpoint(checkpoint_id)
        stored: bytes | None = row[0]
        return stored

    def install(self, new: NewCheckpoint, key: IdempotencyKey | None = None) -> bool:
        """Keeps a checkpoint, so that every process has it. Does not activate it.

        Args:
            new: with weights.
            key: the caller's Idempotency-Key, if there is one.

        Returns:
            False when it was installed before: the same id is the same content.

        Raises:
            IdempotencyKeyReused: the key was used for another call.
        """
        now = self._database.now()
        with self._database.write() as connection:
            answer, replayed = once(
                connection, key, now, lambda: {"created": _put(connection, new, now)}
            )
        return bool(answer["created"]) and not replayed

    def settle(self, shipped: NewCheckpoint, chosen: NewCheckpoint | None) -> str:
        """Registers what a starting service brings along, and activates the first checkpoint.

        The database decides what serves. What the service brings along is only activated

        - in a new database, or one that no service has opened since checkpoints are kept: the
          chosen one, else the shipped one; but where there are templates and none of them is by
          that one, the checkpoint that most templates are by;
        - in a database without walks, where nothing has to be embedded again: the chosen one, or
          the shipped one in place of one whose weights are not here.

        Args:
            shipped: the one that ships with this version, without weights.
            chosen: the one that the settings name, if they do.

        Returns:
            The id of the active one.
        """
        now = self._database.now()
        own = chosen or shipped
        with self._database.write() as connection:
            _put(connection, shipped, now)
            if chosen is not None:
                _put(connection, chosen, now)
            # Processes that start at once take turns.
            connection.execute(
                select(checkpoints.c.id).where(checkpoints.c.id == shipped.id).with_for_update()
            ).one()
            serving = serving_now(connection)
            if serving is None:
                first = _first(connection, own.id)
                _put(connection, NewCheckpoint(first, None, {}), now)
                put_activation(connection, first, now)
                return first
            has_walks = connection.execute(select(walks.c.id).limit(1)).one_or_none() is not None
            gone = serving.active != shipped.id and not _has_weights(connection, serving.active)
            if not has_walks and own.id != serving.active and (chosen is not None or gone):
                hold(connection, exclusively=True)
                put_activation(connection, own.id, now)
                return own.id
            return serving.active

    def refusals_by_reason(self, checkpoint_id: str) -> dict[str, int]:
        """How many stored walks can never have a template by a checkpoint, by the reason.

        Raises:
            UnknownCheckpoint: there is none.
        """
        with self._database.read() as connection:
            size = gei_size(connection, checkpoint_id)
            return refusals_by_reason(connection, checkpoint_id, size)

    def refused_walks(
        self, checkpoint_id: str, *, after: str = "", limit: int = 100
    ) -> tuple[tuple[str, str], ...]:
        """Those walks, as pairs of id and reason, by id.

        Args:
            checkpoint_id: of the checkpoint.
            after: the last id of the page before.
            limit: most pairs wanted.

        Raises:
            UnknownCheckpoint: there is none.
        """
        with self._database.read() as connection:
            size = gei_size(connection, checkpoint_id)
            return tuple(refused_walks(connection, checkpoint_id, size, after=after, limit=limit))

    def remove(self, checkpoint_id: str) -> int:
        """Removes a checkpoint, its templates and its past activations.

        Templates go some thousand at a time, each time under a new revision of their gallery; a
        removal that was broken off is finished by calling this again.

        Returns:
            How many templates went.

        Raises:
            UnknownCheckpoint: there is none.
            CheckpointInUse: it serves, or walks are being embedded by it.
        """
        removed = 0
        with self._database.read() as connection:
            gallery_ids = connection.execute(select(galleries.c.id).order_by(galleries.c.id)).all()
            gei_size(connection, checkpoint_id)
        for (gallery_id,) in gallery_ids:
            while going := self._remove_some(checkpoint_id, gallery_id):
                removed += going
        with self._database.write() as connection:
            _require_unused(hold(connection, exclusively=True), checkpoint_id)
            for table in (activations, reembeddings, walk_refusals):
                connection.execute(delete(table).where(table.c.checkpoint_id == checkpoint_id))
            connection.execute(delete(checkpoints).where(checkpoints.c.id == checkpoint_id))
            note_erasure(connection)
            note(connection, "checkpoint.removed", checkpoint=checkpoint_id, templates=removed)
        self._database.forget_deleted_pages()
        return removed

    def _remove_some(self, checkpoint_id: str, gallery_id: int) -> int:
        going = (
            select(templates.c.id)
            .where(templates.c.gallery_id == gallery_id, templates.c.checkpoint_id == checkpoint_id)
            .order_by(templates.c.revision)
            .limit(_REMOVED_AT_ONCE)
        )
        with self._database.write() as connection:
            raised = raise_revision(connection, galleries.c.id == gallery_id)
            if raised is None:
                return 0
            _require_unused(hold(connection, exclusively=False), checkpoint_id)
            ids = list(connection.execute(going).scalars())
            if ids:
                note_removals(connection, raised, templates.c.id.in_(ids))
                connection.execute(delete(templates).where(templates.c.id.in_(ids)))
            return len(ids)


def gei_size(connection: Connection, checkpoint_id: str) -> GeiSize | None:
    """The size of images that a checkpoint takes; None where nothing is known of it.

    Raises:
        UnknownCheckpoint: there is none.
    """
    row = connection.execute(
        select(checkpoints.c.about).where(checkpoints.c.id == checkpoint_id)
    ).one_or_none()
    if row is None:
        raise UnknownCheckpoint(checkpoint_id)
    gei = row[0].get("gei")
    return None if gei is None else GeiSize(gei["height"], gei["width"])


def _put(connection: Connection, new: NewCheckpoint, now: datetime) -> bool:
    """Adds a checkpoint, or what was missing of it; False when nothing was."""
    row: dict[str, object] = {
        "id": new.id,
        "weights": new.weights,
        "about": new.about,
        "installed_at": now,
    }
    if insert_unless_there(connection, checkpoints, row):
        note(connection, "checkpoint.installed", checkpoint=new.id)
        return True
    completed = 0
    known = update(checkpoints).where(checkpoints.c.id == new.id)
    if new.weights is not None:
        completed = connection.execute(
            known.where(checkpoints.c.weights.is_(None)).values(
                weights=new.weights, about=new.about
            )
        ).rowcount
    elif new.about:
        connection.execute(known.where(checkpoints.c.weights.is_(None)).values(about=new.about))
    if completed:
        note(connection, "checkpoint.installed", checkpoint=new.id)
    return completed > 0


def _first(connection: Connection, own_id: str) -> str:
    """What has served so far: in a database of a time when checkpoints were not kept."""
    makers = connection.execute(
        select(templates.c.checkpoint_id, func.count())
        .group_by(templates.c.checkpoint_id)
        .order_by(func.count().desc(), templates.c.checkpoint_id)
    ).all()
    ids = [str(row[0]) for row in makers]
    return own_id if not ids or own_id in ids else ids[0]


def _has_weights(connection: Connection, checkpoint_id: str) -> bool:
    return bool(
        connection.execute(
            select(checkpoints.c.weights.is_not(None)).where(checkpoints.c.id == checkpoint_id)
        ).scalar_one()
    )


def _require_unused(serving: Serving, checkpoint_id: str) -> None:
    if checkpoint_id in serving.ids:
        raise CheckpointInUse(checkpoint_id)


def _installed(connection: Connection) -> tuple[InstalledCheckpoint, ...]:
    serving = serving_now(connection)
    walk_count = connection.execute(select(func.count()).select_from(walks)).scalar_one()
    counted = connection.execute(
        select(templates.c.checkpoint_id, func.count(distinct(templates.c.walk_id))).group_by(
            templates.c.checkpoint_id
        )
    ).all()
    with_template = {row[0]: row[1] for row in counted}
    rows = connection.execute(
        select(
            checkpoints.c.id,
            checkpoints.c.weights.is_not(None).label("has_weights"),
            checkpoints.c.about,
            checkpoints.c.installed_at,
        ).order_by(checkpoints.c.installed_at, checkpoints.c.id)
    ).all()
    return tuple(
        InstalledCheckpoint(
            id=row.id,
            has_weights=row.has_weights,
            about=row.about,
            installed_at=row.installed_at,
            active=serving is not None and serving.active == row.id,
            walks_with_template=with_template.get(row.id, 0),
            walks_without_template=walk_count - with_template.get(row.id, 0),
        )
        for row in rows
    )
