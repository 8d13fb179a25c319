"""Changing what serves: activate, roll back, and the end of a re-embedding.

Each takes the lock of `activations.py` first, so that enrolments either committed before, and their
walks are seen here, or notice the change and embed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from app.registry.activations import (
    UNFINISHED,
    Serving,
    hold,
    put_activation,
    served_before,
    serving_now,
)
from app.registry.audit import note
from app.registry.checkpoint_problems import (
    NothingToRollBackTo,
    ReembeddingUnderWay,
    WalksWouldBeLost,
)
from app.registry.checkpoints import gei_size
from app.registry.columns import new_id
from app.registry.database import Database
from app.registry.job import IdempotencyKey
from app.registry.kept_answers import once
from app.registry.reembedding import COLUMNS, Reembedding, reembedding_of
from app.registry.tables import reembeddings
from app.registry.unembedded import count_lacking, is_any_lacking, refusals_by_reason


@dataclass(frozen=True, slots=True)
class Switch:
    """What became of a wish to activate.

    Attributes:
        checkpoint_id: of the checkpoint.
        done: True when it serves and nothing is left to do; False while walks are being embedded
            by it.
        replayed: it was asked before, under the same Idempotency-Key.
    """

    checkpoint_id: str
    done: bool
    replayed: bool


class Switching:
    """Every call is one transaction.

    Args:
        database: where it happens.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def activate(
        self, checkpoint_id: str, *, accept_loss: bool, key: IdempotencyKey | None = None
    ) -> Switch:
        """Has a checkpoint serve: at once, or when all walks have been embedded by it.

        The checkpoint that serves already is made complete: walks that lack a template by it (an
        import may leave some) are embedded.

        Args:
            checkpoint_id: of an installed checkpoint whose weights are here.
            accept_loss: also where some walks can have no template by it.
            key: the caller's Idempotency-Key, if there is one.

        Raises:
            UnknownCheckpoint: there is none.
            WalksWouldBeLost: some walks cannot be embedded, and that was not accepted.
            ReembeddingUnderWay: walks are being embedded by another checkpoint.
            IdempotencyKeyReused: the key was used for another call.
        """
        now = self._database.now()
        with self._database.write() as connection:
            serving = hold(connection, exclusively=True)
            answer, replayed = once(
                connection,
                key,
                now,
                lambda: _activate(connection, serving, checkpoint_id, accept_loss, now),
            )
        return _switch(answer, replayed)

    def roll_back(self, *, accept_loss: bool, key: IdempotencyKey | None = None) -> Switch:
        """Activates the checkpoint that served before the present one.

        Walks that were enrolled since have no template by it; they are embedded first. Rolling
        back twice leads back to where it began.

        Args:
            accept_loss: as in `activate`.
            key: the caller's Idempotency-Key, if there is one.

        Raises:
            NothingToRollBackTo: no other checkpoint has served.
            WalksWouldBeLost, ReembeddingUnderWay, IdempotencyKeyReused: as in `activate`.
        """
        now = self._database.now()
        with self._database.write() as connection:
            serving = hold(connection, exclusively=True)

            def back() -> dict[str, object]:
                earlier = served_before(connection, serving.active)
                if earlier is None:
                    raise NothingToRollBackTo
                return _activate(connection, serving, earlier, accept_loss, now)

            answer, replayed = once(connection, key, now, back)
        return _switch(answer, replayed)

    def earlier(self) -> str | None:
        """The checkpoint that a rollback would lead to; None when there is none."""
        with self._database.read() as connection:
            serving = serving_now(connection)
            return None if serving is None else served_before(connection, serving.active)

    def finish(self, reembedding_id: str, owner: str) -> bool:
        """Ends a re-embedding whose walks have all been passed; the checkpoint takes over.

        Where some walks cannot be embedded and that was not accepted, it ends without taking over.

        Args:
            reembedding_id: of the re-embedding.
            owner: who works on it.

        Returns:
            False when some walk still lacks a template (an import brought it): go on.
        """
        now = self._database.now()
        with self._database.write() as connection:
            serving = hold(connection, exclusively=True)
            row = connection.execute(
                select(*COLUMNS).where(
                    reembeddings.c.id == reembedding_id,
                    reembeddings.c.state == "running",
                    reembeddings.c.lease_owner == owner,
                )
            ).one_or_none()
            if row is None:  # paused, cancelled or taken over: nothing is left to do here
                return True
            ended = reembedding_of(row)
            if is_any_lacking(connection, ended.checkpoint_id):
                return False
            lost = _lost(connection, ended.checkpoint_id)
            takes_over = ended.activate_when_done and (ended.accept_loss or not lost)
            problem = None
            if takes_over and ended.checkpoint_id != serving.active:
                put_activation(connection, ended.checkpoint_id, now)
            elif lost and not takes_over and ended.checkpoint_id != serving.active:
                problem = WalksWouldBeLost(ended.checkpoint_id, lost).to_json()
            connection.execute(
                update(reembeddings)
                .where(reembeddings.c.id == reembedding_id)
                .values(
                    state="complete",
                    problem=problem,
                    lease_owner=None,
                    lease_until=None,
                    updated_at=now,
                )
            )
            note(
                connection,
                "reembedding.completed",
                checkpoint=ended.checkpoint_id,
                refused=sum(lost.values()),
            )
        return True


def _activate(
    connection: Connection, serving: Serving, checkpoint_id: str, accept_loss: bool, now: datetime
) -> dict[str, object]:
    lost = _lost(connection, checkpoint_id)
    if lost and not accept_loss and checkpoint_id != serving.active:
        raise WalksWouldBeLost(checkpoint_id, lost)
    unfinished = _unfinished(connection)
    if unfinished is not None:
        if unfinished.checkpoint_id != checkpoint_id:
            raise ReembeddingUnderWay(unfinished.checkpoint_id)
        connection.execute(
            update(reembeddings)
            .where(reembeddings.c.id == unfinished.id)
            .values(activate_when_done=True, accept_loss=unfinished.accept_loss or accept_loss)
        )
        return {"checkpoint": checkpoint_id, "done": False}
    lacking = count_lacking(connection, checkpoint_id)
    if lacking:
        connection.execute(
            insert(reembeddings),
            {
                "id": new_id(),
                "checkpoint_id": checkpoint_id,
                "state": "running",
                "activate_when_done": True,
                "accept_loss": accept_loss,
                "total": lacking,
                "created_at": now,
                "updated_at": now,
            },
        )
        note(connection, "reembedding.started", checkpoint=checkpoint_id, walks=lacking)
        return {"checkpoint": checkpoint_id, "done": False}
    if checkpoint_id != serving.active:
        put_activation(connection, checkpoint_id, now)
    return {"checkpoint": checkpoint_id, "done": True}


def _lost(connection: Connection, checkpoint_id: str) -> dict[str, int]:
    return refusals_by_reason(connection, checkpoint_id, gei_size(connection, checkpoint_id))


def _unfinished(connection: Connection) -> Reembedding | None:
    row = connection.execute(
        select(*COLUMNS).where(reembeddings.c.state.in_(UNFINISHED))
    ).one_or_none()
    return None if row is None else reembedding_of(row)


def _switch(answer: dict[str, object], replayed: bool) -> Switch:
    return Switch(str(answer["checkpoint"]), bool(answer["done"]), replayed)
