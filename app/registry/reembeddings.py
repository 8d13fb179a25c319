"""Re-embeddings: the stored walks pass a new checkpoint, in the background, each exactly once.

What is left to do is read from the templates themselves, so that nothing is lost or done twice when
a process dies: a walk is passed when it has a template, or a reason for having none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, exists, insert, not_, or_, select, update

from app.registry.activations import UNFINISHED, hold
from app.registry.audit import Action, note
from app.registry.checkpoint_problems import NoReembedding
from app.registry.database import Database
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.leases import LeaseLost
from app.registry.reembedding import COLUMNS, Reembedding, StoredGei, reembedding_of
from app.registry.revision import raise_revision
from app.registry.sealing import KEY_COLUMNS, stored_key
from app.registry.tables import (
    data_keys,
    galleries,
    reembeddings,
    subjects,
    templates,
    walk_refusals,
    walks,
)

_LOOKED_AT = 500
"""Walks looked through at once for those that lack a template."""

_NOTED_AS: dict[str, Action] = {
    "running": "reembedding.resumed",
    "paused": "reembedding.paused",
    "cancelled": "reembedding.cancelled",
}

_PAGE = (
    select(walks.c.id)
    .where(walks.c.id > bindparam("after"))
    .order_by(walks.c.id)
    .limit(bindparam("limit"))
)
# Two plain look-ups in place of an anti-join, whose plan PostgreSQL would choose anew as the share
# of passed walks grows.
_WITH_TEMPLATE = select(templates.c.walk_id).where(
    templates.c.walk_id.in_(bindparam("ids", expanding=True)),
    templates.c.checkpoint_id == bindparam("checkpoint_id"),
)
_REFUSED = select(walk_refusals.c.walk_id).where(
    walk_refusals.c.walk_id.in_(bindparam("ids", expanding=True)),
    walk_refusals.c.checkpoint_id == bindparam("checkpoint_id"),
)
_GEIS = (
    select(walks.c.id, subjects.c.gallery_id, walks.c.gei, walks.c.data_key_id, *KEY_COLUMNS)
    .join(subjects, subjects.c.id == walks.c.subject_id)
    .outerjoin(data_keys, data_keys.c.id == walks.c.data_key_id)
    .where(walks.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(walks.c.id)
)
_OWNERS = (
    select(walks.c.id, walks.c.subject_id)
    .join(subjects, subjects.c.id == walks.c.subject_id)
    .where(
        walks.c.id.in_(bindparam("ids", expanding=True)),
        subjects.c.gallery_id == bindparam("gallery_id"),
    )
)
# A walk may have been erased, or moved to another gallery, while it was being embedded.
_STILL_HERE = (walks.c.id == bindparam("of_walk")) & (
    subjects.c.gallery_id == bindparam("of_gallery")
)
_ADD_TEMPLATE = insert(templates).from_select(
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
        walks.c.id,
        subjects.c.gallery_id,
        subjects.c.id,
        bindparam("of_checkpoint", type_=templates.c.checkpoint_id.type),
        bindparam("vector", type_=templates.c.vector.type),
        bindparam("of_key", type_=templates.c.data_key_id.type),
        bindparam("revision", type_=templates.c.revision.type),
    )
    .select_from(walks.join(subjects, subjects.c.id == walks.c.subject_id))
    .where(
        _STILL_HERE,
        not_(
            exists().where(
                templates.c.walk_id == walks.c.id,
                templates.c.checkpoint_id == bindparam("of_checkpoint"),
            )
        ),
    ),
)
_ADD_REFUSAL = insert(walk_refusals).from_select(
    ["walk_id", "checkpoint_id", "reason"],
    select(
        walks.c.id,
        bindparam("of_checkpoint", type_=walk_refusals.c.checkpoint_id.type),
        bindparam("reason", type_=walk_refusals.c.reason.type),
    )
    .select_from(walks.join(subjects, subjects.c.id == walks.c.subject_id))
    .where(
        _STILL_HERE,
        not_(
            exists().where(
                walk_refusals.c.walk_id == walks.c.id,
                walk_refusals.c.checkpoint_id == bindparam("of_checkpoint"),
            )
        ),
    ),
)


class Reembeddings:
    """What can be done with them; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, checkpoint_id: str) -> Reembedding:
        """The latest one by a checkpoint.

        Raises:
            NoReembedding: there was none.
        """
        with self._database.read() as connection:
            return _latest(connection, checkpoint_id)

    def change(
        self,
        checkpoint_id: str,
        state: Literal["running", "paused", "cancelled"],
        key: IdempotencyKey | None = None,
    ) -> Reembedding:
        """Pauses, resumes or cancels the unfinished one by a checkpoint.

        Templates that were made stay until the checkpoint is removed: activating it again goes on
        from there.

        Args:
            checkpoint_id: of the checkpoint.
            state: the new one.
            key: the caller's Idempotency-Key, if there is one.

        Raises:
            NoReembedding: none is unfinished.
            IdempotencyKeyReused: the key was used for another call.
        """
        now = self._database.now()
        with self._database.write() as connection:
            # A cancelled one is no longer among what new walks are embedded by.
            hold(connection, exclusively=True)

            def put() -> dict[str, object]:
                changed = connection.execute(
                    update(reembeddings)
                    .where(
                        reembeddings.c.checkpoint_id == checkpoint_id,
                        reembeddings.c.state.in_(UNFINISHED),
                    )
                    .values(state=state, lease_owner=None, lease_until=None, updated_at=now)
                )
                if changed.rowcount == 0:
                    raise NoReembedding(checkpoint_id)
                note(connection, _NOTED_AS[state], checkpoint=checkpoint_id)
                return {"state": state}

            once(connection, key, now, put)
            return _latest(connection, checkpoint_id)

    def claim(self, owner: str, *, lease_seconds: float) -> Reembedding | None:
        """Takes, or keeps, the running one; of several processes only one has it.

        Args:
            owner: the id of this service instance.
            lease_seconds: how long the claim holds unless `store` renews it.

        Returns:
            It; None when nothing is to be done, or another process does it.
        """
        now = self._database.now()
        free = or_(
            reembeddings.c.lease_owner.is_(None),
            reembeddings.c.lease_owner == owner,
            reembeddings.c.lease_until < now,
        )
        running = reembeddings.c.state == "running"
        if not self._database.ask(select(reembeddings.c.id).where(running, free).limit(1)):
            return None
        with self._database.write(durable=False) as connection:
            row = connection.execute(
                update(reembeddings)
                .where(running, free)
                .values(lease_owner=owner, lease_until=now + timedelta(seconds=lease_seconds))
                .returning(*COLUMNS)
            ).one_or_none()
        return None if row is None else reembedding_of(row)

    def release_owner(self, owner: str) -> None:
        """Frees what an instance worked on that has stopped or died."""
        held = reembeddings.c.lease_owner == owner
        if not self._database.ask(select(reembeddings.c.id).where(held).limit(1)):
            return
        with self._database.write(durable=False) as connection:
            connection.execute(
                update(reembeddings).where(held).values(lease_owner=None, lease_until=None)
            )

    def next_walks(
        self, checkpoint_id: str, *, after: str, most: int
    ) -> tuple[tuple[StoredGei, ...], str | None]:
        """Some walks that lack a template by a checkpoint, by id.

        Args:
            checkpoint_id: of the checkpoint.
            after: the id to go on from; "" to begin.
            most: walks wanted.

        Returns:
            The walks, maybe none, and where to go on from; None when all have been looked at.
        """
        with self._database.read() as connection:
            ids = list(connection.execute(_PAGE, {"after": after, "limit": _LOOKED_AT}).scalars())
            values = {"ids": ids, "checkpoint_id": checkpoint_id}
            passed = set(connection.execute(_WITH_TEMPLATE, values).scalars())
            passed.update(connection.execute(_REFUSED, values).scalars())
            lacking = [walk_id for walk_id in ids if walk_id not in passed][:most]
            rows = connection.execute(_GEIS, {"ids": lacking}).all()
        opening = self._database.vault.opening()
        found = tuple(
            StoredGei(row.id, row.gallery_id, opening.gei(row.id, row.gei, stored_key(row)))
            for row in rows
        )
        if len(lacking) == most:
            return found, lacking[-1]
        return found, ids[-1] if len(ids) == _LOOKED_AT else None

    def store(
        self,
        reembedding: Reembedding,
        owner: str,
        gallery_id: int,
        vectors_d: Mapping[str, NDArray[np.float32]],
        refusals: Mapping[str, str],
        *,
        lease_seconds: float,
    ) -> None:
        """Writes what became of some walks of one gallery, and renews the lease.

        Args:
            reembedding: claimed.
            owner: who works on it.
            gallery_id: number of the gallery.
            vectors_d: (D,) float32 unit vectors by walk id.
            refusals: reasons of those that cannot be embedded, by walk id.
            lease_seconds: from now.

        Raises:
            LeaseLost: it was paused, cancelled or taken over; nothing was written.
        """
        now = self._database.now()
        with self._database.write(durable=False) as connection:
            raised = raise_revision(connection, galleries.c.id == gallery_id)
            fenced = connection.execute(
                update(reembeddings)
                .where(
                    reembeddings.c.id == reembedding.id,
                    reembeddings.c.state == "running",
                    reembeddings.c.lease_owner == owner,
                )
                .values(
                    done=reembeddings.c.done + len(vectors_d) + len(refusals),
                    refused=reembeddings.c.refused + len(refusals),
                    lease_until=now + timedelta(seconds=lease_seconds),
                    updated_at=now,
                )
            )
            if fenced.rowcount == 0:
                raise LeaseLost(reembedding.id)
            if raised is None:  # the gallery was deleted with its walks
                return
            common = {
                "of_gallery": gallery_id,
                "of_checkpoint": reembedding.checkpoint_id,
                "revision": raised.revision,
            }
            owners = {
                row.id: row.subject_id
                for row in connection.execute(
                    _OWNERS, {"ids": list(vectors_d), "gallery_id": gallery_id}
                )
            }
            sealing = self._database.vault.sealing(connection, owners.values())
            rotation = raised.rotation.opened(self._database.vault)
            for walk_id, subject_id in owners.items():
                stored = sealing.vector(
                    subject_id,
                    walk_id,
                    reembedding.checkpoint_id,
                    rotation.turned(vectors_d[walk_id]),
                )
                connection.execute(
                    _ADD_TEMPLATE,
                    {
                        **common,
                        "of_walk": walk_id,
                        "vector": stored.data,
                        "of_key": stored.data_key_id,
                    },
                )
            for walk_id, reason in refusals.items():
                connection.execute(_ADD_REFUSAL, {**common, "of_walk": walk_id, "reason": reason})

    def fail(self, reembedding_id: str, owner: str, problem: dict[str, object]) -> None:
        """Ends one that cannot be done; walks are no longer embedded by its checkpoint.

        Args:
            reembedding_id: of the re-embedding.
            owner: who works on it.
            problem: why, as a problem document.
        """
        with self._database.write() as connection:
            hold(connection, exclusively=True)
            failed = connection.execute(
                update(reembeddings)
                .where(
                    reembeddings.c.id == reembedding_id,
                    reembeddings.c.state == "running",
                    reembeddings.c.lease_owner == owner,
                )
                .values(
                    state="failed",
                    problem=problem,
                    lease_owner=None,
                    lease_until=None,
                    updated_at=self._database.now(),
                )
                .returning(reembeddings.c.checkpoint_id)
            ).scalar_one_or_none()
            if failed is not None:
                note(connection, "reembedding.failed", checkpoint=failed)


def _latest(connection: Connection, checkpoint_id: str) -> Reembedding:
    unfinished_first = reembeddings.c.state.in_(UNFINISHED).desc()
    row = connection.execute(
        select(*COLUMNS)
        .where(reembeddings.c.checkpoint_id == checkpoint_id)
        .order_by(unfinished_first, reembeddings.c.created_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NoReembedding(checkpoint_id)
    return reembedding_of(row)
