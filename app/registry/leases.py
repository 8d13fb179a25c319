"""Leases: who runs a job, and whose completion counts. Works inside the caller's transaction.

Locks are taken in the order gallery, subjects, jobs, here as in `erasure.py`: a job that is being
finished and a subject that is being erased then wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from app import failpoints
from app.registry.job import COLUMNS, UNFINISHED, Job, job_of, request_id_in
from app.registry.job_problems import JobCancelled, JobKeptFailing
from app.registry.sealing import StoredOfJob
from app.registry.tables import (
    galleries,
    job_explanations,
    job_geis,
    job_mentions,
    jobs,
    subjects,
)

MAX_CRASHES: Final = 3
"""Workers that may be lost with a job before it is taken to be the cause; it was alone with all but
the first of them."""

_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """The job was requeued, finished by another attempt, or erased: drop what was computed."""


class SubjectErased(Exception):
    """A subject in the answer was erased while it was being computed: search again."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The right to complete a job.

    Attributes:
        job_id: the job.
        attempt: the number it was claimed under.
        finished_at: in UTC.
    """

    job_id: str
    attempt: int
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """What became of the jobs of lost workers.

    Attributes:
        requeued: ids of jobs that wait again.
        failed: ids of jobs that lost their third worker and were failed.
        crashed: how many of both had been begun.
    """

    requeued: tuple[str, ...]
    failed: tuple[str, ...]
    crashed: int


_CLAIMED = {
    "state": "running",
    "attempt": jobs.c.attempt + 1,
    "lease_owner": bindparam("owner"),
    "lease_until": bindparam("until"),
    "started_at": func.coalesce(jobs.c.started_at, bindparam("now", type_=jobs.c.started_at.type)),
}
_OLDEST = (
    select(jobs.c.id)
    .where(jobs.c.state == "queued", jobs.c.lease_owner.is_(None))
    .order_by(jobs.c.created_at, jobs.c.id)
    .limit(1)
    # PostgreSQL: pass over rows that another claim holds. SQLite has one writer at a time.
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_QUEUED = update(jobs).where(jobs.c.state == "queued").values(_CLAIMED).returning(*COLUMNS)
_CLAIM = _QUEUED.where(jobs.c.id == bindparam("job_id"))
_CLAIM_OLDEST = _QUEUED.where(jobs.c.id == _OLDEST)

_HELD = (
    (jobs.c.id == bindparam("held_id"))
    & (jobs.c.attempt == bindparam("held_attempt"))
    & (jobs.c.state == "running")
)
_CLEARED = {"lease_owner": null(), "lease_until": null(), "stage": null()}
_DONE = {
    "finished_at": bindparam("now"),
    "uploads": bindparam("no_uploads", type_=jobs.c.uploads.type),
}
_SUCCEED = (
    update(jobs)
    .where(_HELD)
    .values(
        state="succeeded",
        result=bindparam("answer", type_=jobs.c.result.type),
        **_CLEARED,
        **_DONE,
    )
)
_FAIL = (
    update(jobs)
    .where(_HELD)
    .values(
        state="failed", problem=bindparam("answer", type_=jobs.c.problem.type), **_CLEARED, **_DONE
    )
)
_PUT_BACK = update(jobs).where(_HELD).values(state="queued", **_CLEARED)
_MENTION = insert(job_mentions).from_select(
    ["job_id", "subject_id"],
    select(jobs.c.id, subjects.c.id)
    .join(galleries, galleries.c.name == jobs.c.gallery)
    .join(subjects, subjects.c.gallery_id == galleries.c.id)
    .where(
        jobs.c.id == bindparam("job_id"),
        subjects.c.external_id.in_(bindparam("mentions", expanding=True)),
    )
    .order_by(subjects.c.id)
    # PostgreSQL: an erasure waits for this, or this for the erasure, and then finds nobody.
    .with_for_update(key_share=True, read=True, of=subjects),
)


def claim(
    connection: Connection, job_id: str | None, owner: str, now: datetime, lease_seconds: float
) -> Job | None:
    """Takes a waiting job under a new attempt.

    Args:
        connection: of a writing transaction.
        job_id: the job; None for the one that has waited longest.
        owner: who takes it.
        now: in UTC.
        lease_seconds: how long the claim holds unless it is renewed.

    Returns:
        The running job; None when none such waits.
    """
    values = {"owner": owner, "until": now + timedelta(seconds=lease_seconds), "now": now}
    if job_id is None:
        row = connection.execute(_CLAIM_OLDEST, values).one_or_none()
    else:
        row = connection.execute(_CLAIM, values | {"job_id": job_id}).one_or_none()
    return None if row is None else job_of(row)


def renew(connection: Connection, owner: str, now: datetime, lease_seconds: float) -> int:
    """Prolongs every lease of an owner; returns how many it holds."""
    until = now + timedelta(seconds=lease_seconds)
    return connection.execute(
        update(jobs)
        .where(jobs.c.lease_owner == owner, jobs.c.state.in_(UNFINISHED))
        .values(lease_until=until)
    ).rowcount


def put_back(connection: Connection, job_id: str, attempt: int) -> None:
    """Gives a claimed job back to the queue.

    Raises:
        LeaseLost: this attempt does not hold the job any more.
    """
    held = {"held_id": job_id, "held_attempt": attempt}
    if connection.execute(_PUT_BACK, held).rowcount == 0:
        raise LeaseLost(job_id)


def let_go(connection: Connection, job_ids: Collection[str], owner: str) -> int:
    """Takes jobs from a living owner that does not work on them: they wait for anybody."""
    return connection.execute(
        update(jobs)
        .where(jobs.c.id.in_(job_ids), jobs.c.lease_owner == owner, jobs.c.state.in_(UNFINISHED))
        .values(state="queued", **_CLEARED)
    ).rowcount


def mention(connection: Connection, completion: Completion, subject_ids: Sequence[str]) -> None:
    """Notes which subjects an answer names, and keeps them from being erased until it is written.

    Args:
        connection: of the completing transaction, before `succeed`.
        completion: of the job.
        subject_ids: the callers' ids of the subjects.

    Raises:
        SubjectErased: one of them is gone.
        LeaseLost: the job itself is gone.
    """
    wanted = sorted(set(subject_ids))
    if not wanted:
        return
    noted = connection.execute(
        _MENTION,
        {"job_id": completion.job_id, "mentions": wanted},
        execution_options={"preserve_rowcount": True},
    )
    if noted.rowcount < len(wanted):
        _require_held(connection, completion)
        raise SubjectErased


def succeed(
    connection: Connection,
    completion: Completion,
    result: dict[str, object],
    geis: Mapping[int, StoredOfJob] = MappingProxyType({}),
    explanations: Mapping[int, StoredOfJob] = MappingProxyType({}),
) -> None:
    """Writes a job's answer.

    Args:
        connection: of the completing transaction.
        completion: of the job.
        result: the answer, as JSON.
        geis: gait energy images by the numbers of the walkers in the answer.
        explanations: what it rests on, likewise.

    Raises:
        LeaseLost: this attempt does not hold the job any more.
    """
    values: dict[str, object] = {"answer": result, "now": completion.finished_at, "no_uploads": []}
    _fenced(connection, _SUCCEED, completion, values)
    if geis:
        rows = [
            {"job_id": completion.job_id, "walker": walker, "gei": gei.data, "master": gei.master}
            for walker, gei in geis.items()
        ]
        connection.execute(insert(job_geis), rows)
    if explanations:
        connection.execute(
            insert(job_explanations),
            [
                {
                    "job_id": completion.job_id,
                    "walker": walker,
                    "explanation": one.data,
                    "master": one.master,
                }
                for walker, one in explanations.items()
            ],
        )


def fail(connection: Connection, completion: Completion, problem: dict[str, object]) -> None:
    """Writes why a job has no answer.

    Args:
        connection: of the completing transaction.
        completion: of the job.
        problem: a problem document.

    Raises:
        LeaseLost: this attempt does not hold the job any more.
    """
    values: dict[str, object] = {"answer": problem, "now": completion.finished_at, "no_uploads": []}
    _fenced(connection, _FAIL, completion, values)


def cancel(connection: Connection, job_id: str, now: datetime) -> None:
    """Ends an unfinished job, whoever holds it, as taken back."""
    connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(UNFINISHED))
        .values(
            state="failed",
            problem=JobCancelled(job_id).to_json(),
            finished_at=now,
            uploads=[],
            **_CLEARED,
        )
    )


def release(connection: Connection, lost: ColumnElement[bool], now: datetime) -> Released:
    """Takes jobs from lost workers: back to the queue, or failed at the third loss.

    Those that had not begun lose their home, so that anybody may take them.

    Args:
        connection: of a writing transaction.
        lost: which unfinished jobs, by `jobs.c`.
        now: in UTC.

    Returns:
        The ids of both kinds.
    """
    requeued = list(
        connection.execute(
            update(jobs)
            .where(jobs.c.state == "queued", lost)
            .values(**_CLEARED)
            .returning(jobs.c.id)
        ).scalars()
    )
    failed: list[str] = []
    rows = connection.execute(
        update(jobs)
        .where(jobs.c.state == "running", lost)
        .values(state="queued", crashes=jobs.c.crashes + 1, **_CLEARED)
        .returning(jobs.c.id, jobs.c.crashes, jobs.c.trace)
    ).all()
    for row in rows:
        if row.crashes < MAX_CRASHES:
            requeued.append(row.id)
            continue
        failed.append(row.id)
        problem = JobKeptFailing(row.id, row.crashes)
        _log.error(
            "a job took its workers down",
            job=row.id,
            request=request_id_in(row.trace),
            support_id=problem.support_id,
        )
        connection.execute(
            update(jobs)
            .where(jobs.c.id == row.id)
            .values(
                state="failed",
                problem=problem.to_json(),
                finished_at=now,
                uploads=[],
            )
        )
    return Released(tuple(requeued), tuple(failed), len(rows))


def _fenced(
    connection: Connection, statement: Update, completion: Completion, values: dict[str, object]
) -> None:
    failpoints.reach(failpoints.MID_LEASE)
    held = {"held_id": completion.job_id, "held_attempt": completion.attempt}
    if connection.execute(statement, values | held).rowcount == 0:
        raise LeaseLost(completion.job_id)


def _require_held(connection: Connection, completion: Completion) -> None:
    held: int | None = connection.execute(
        select(literal(1)).where(
            jobs.c.id == completion.job_id,
            jobs.c.attempt == completion.attempt,
            jobs.c.state == "running",
        )
    ).scalar_one_or_none()
    if held is None:
        raise LeaseLost(completion.job_id)
