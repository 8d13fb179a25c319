"""The jobs of this service, as rows; the row is the queue.

Nothing leaves the queue by being taken: a claim is a lease under an attempt number (`leases.py`),
and what a lost worker held is found by its lease.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from app.errors import UnknownJob
from app.registry import leases
from app.registry.audit import note
from app.registry.database import Database, insert_unless_there
from app.registry.erasure import upload_names
from app.registry.job import (
    COLUMNS,
    UNFINISHED,
    AddedJob,
    Home,
    IdempotencyKey,
    Job,
    NewJob,
    job_of,
    queued_job,
)
from app.registry.job_problems import JobEnded
from app.registry.kept_answers import forget_answers
from app.registry.leases import Completion, Released
from app.registry.tables import galleries, idempotency_keys, jobs

_BY_ID = select(*COLUMNS).where(jobs.c.id == bindparam("job_id"))
_SEARCHED = (
    select(jobs.c.kind, galleries.c.id)
    .outerjoin(galleries, galleries.c.name == jobs.c.gallery)
    .where(jobs.c.id == bindparam("job_id"))
)
_INSERT = insert(jobs)


class _KeyTaken(Exception):
    """Another transaction tied the key to its job first: roll back, and answer with that job."""


class Jobs:
    """What can be done with jobs; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        new_job: NewJob,
        *,
        idempotency: IdempotencyKey | None = None,
        home: Home | None = None,
    ) -> AddedJob:
        """Accepts a job: when this returns, no crash of the service loses it.

        An enrolment survives a power cut as well.

        Args:
            new_job: what is to be done.
            idempotency: the caller's key, if there is one.
            home: the instance whose caller waits for the job; None leaves it to anybody.

        Returns:
            The job, or the earlier one of the same key.

        Raises:
            IdempotencyKeyReused: the key was used for a call with another fingerprint.
        """
        job = queued_job(new_job, self._database.now())
        # Only an enrolment leaves something behind; the answer to a question that a power cut broke
        # off has lost its reader too.
        durable = new_job.kind == "enroll"
        while True:
            try:
                with self._database.write(durable=durable) as connection:
                    return _add(connection, job, idempotency, home)
            except _KeyTaken:
                # PostgreSQL only: a request with the same key committed while this one wrote.
                continue

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none: never was, purged, or erased with a subject it named.
        """
        found = self._database.ask(_BY_ID, {"job_id": job_id})
        if not found:
            raise UnknownJob(job_id)
        return job_of(found[0])

    def claim(self, job_id: str, *, owner: str, lease_seconds: float) -> Job | None:
        """Takes one waiting job; of several callers, in any process, only one gets it.

        Args:
            job_id: the job.
            owner: who takes it: the id of this service instance.
            lease_seconds: how long the claim holds unless it is renewed.

        Returns:
            The running job, or None when it does not wait (any more).
        """
        with self._database.write(durable=False) as connection:
            return leases.claim(connection, job_id, owner, self._database.now(), lease_seconds)

    def claim_next(self, *, owner: str, lease_seconds: float) -> Job | None:
        """Takes the job that has waited longest; None when none waits. Arguments as `claim`."""
        with self._database.write(durable=False) as connection:
            return leases.claim(connection, None, owner, self._database.now(), lease_seconds)

    def renew(self, owner: str, *, lease_seconds: float) -> int:
        """Prolongs every lease of an owner from now on.

        Args:
            owner: the id of this service instance.
            lease_seconds: from now.

        Returns:
            How many leases it holds.
        """
        with self._database.write(durable=False) as connection:
            return leases.renew(connection, owner, self._database.now(), lease_seconds)

    def leased_to(self, owner: str) -> frozenset[str]:
        """Ids of the unfinished jobs that an instance has, begun or waiting for it."""
        held = select(jobs.c.id).where(jobs.c.lease_owner == owner, jobs.c.state.in_(UNFINISHED))
        return frozenset(row.id for row in self._database.ask(held))

    def let_go(self, job_ids: Collection[str], owner: str) -> int:
        """Has jobs wait for anybody again that their owner knows nothing of; counts no crash.

        Args:
            job_ids: of the jobs; those that are no longer the owner's are left alone.
            owner: the id of the instance that has them.

        Returns:
            How many there were.
        """
        with self._database.write(durable=False) as connection:
            return leases.let_go(connection, job_ids, owner)

    def put_back(self, job_id: str, attempt: int) -> None:
        """Gives a claimed job back to the queue, as an orderly shutdown does; counts no crash.

        Raises:
            LeaseLost: this attempt does not hold the job any more.
        """
        with self._database.write(durable=False) as connection:
            leases.put_back(connection, job_id, attempt)

    def finish(
        self,
        job_id: str,
        attempt: int,
        result: dict[str, object],
        *,
        mentions: Sequence[str] = (),
        gei_png_by_walker: Mapping[int, bytes] | None = None,
        explanation_by_walker: Mapping[int, bytes] | None = None,
    ) -> None:
        """Completes a job with its answer.

        Args:
            job_id: the job.
            attempt: the number it was claimed under.
            result: the answer, as JSON.
            mentions: the id of every subject that the answer names, so that their erasure finds it.
            gei_png_by_walker: gait energy images by the numbers of the walkers in the answer.
            explanation_by_walker: what it rests on, as JSON, likewise.

        Raises:
            LeaseLost: this attempt does not hold the job any more; nothing was written.
            SubjectErased: a mentioned subject was erased meanwhile; search again.
        """
        completion = Completion(job_id, attempt, self._database.now())
        geis = {
            walker: self._database.vault.sealed_job_gei(job_id, walker, png)
            for walker, png in (gei_png_by_walker or {}).items()
        }
        explanations = {
            walker: self._database.vault.sealed_explanation(job_id, walker, document)
            for walker, document in (explanation_by_walker or {}).items()
        }
        # A search changes nothing: when the power fails it is simply searched again.
        with self._database.write(durable=False) as connection:
            leases.mention(connection, completion, mentions)
            leases.succeed(connection, completion, result, geis, explanations)
            kind, gallery_id = connection.execute(_SEARCHED, {"job_id": job_id}).one()
            # What was decided is about a person, and goes with the job.
            note(connection, "search.made", job=job_id, kind=kind, gallery=gallery_id)

    def fail(self, job_id: str, attempt: int, problem: dict[str, object]) -> None:
        """Completes a job with a problem document.

        Args:
            job_id: the job.
            attempt: the number it was claimed under.
            problem: the document (`Problem.to_json()`).

        Raises:
            LeaseLost: this attempt does not hold the job any more; nothing was written.
        """
        with self._database.write(durable=False) as connection:
            leases.fail(connection, Completion(job_id, attempt, self._database.now()), problem)

    def cancel(self, job_id: str) -> tuple[str, ...]:
        """Ends a job as taken back; whoever works on it loses its lease.

        Returns:
            Storage names of its recordings, which are of no use any more.

        Raises:
            UnknownJob: there is none.
            JobEnded: it has an answer, or a problem.
        """
        with self._database.write() as connection:
            row = connection.execute(_BY_ID.with_for_update(), {"job_id": job_id}).one_or_none()
            if row is None:
                raise UnknownJob(job_id)
            if row.state not in UNFINISHED:
                raise JobEnded(job_id, row.state)
            leases.cancel(connection, job_id, self._database.now())
            note(connection, "job.cancelled", job=job_id, kind=row.kind)
        return tuple(upload_names(row.uploads))

    def owners(self) -> frozenset[str]:
        """Who holds leases now; those of them that no longer live should be released."""
        owners = select(jobs.c.lease_owner).where(jobs.c.state == "running").distinct()
        return frozenset(row.lease_owner for row in self._database.ask(owners))

    def release_owner(self, owner: str) -> Released:
        """Takes the jobs of a dead instance back into the queue.

        Returns:
            What was queued again, and what failed because it lost its third worker.
        """
        with self._database.write() as connection:
            return leases.release(connection, jobs.c.lease_owner == owner, self._database.now())

    def release_expired(self) -> Released:
        """Takes jobs whose lease ran out back into the queue; returns as `release_owner`."""
        now = self._database.now()
        with self._database.write() as connection:
            return leases.release(connection, jobs.c.lease_until < now, now)

    def release_lost(self, job_id: str, attempt: int) -> Released:
        """Takes one job from a worker that is known to be lost; returns as `release_owner`.

        Args:
            job_id: the job.
            attempt: it was lost under; where another one has begun meanwhile, nothing is done.
        """
        with self._database.write() as connection:
            lost = (jobs.c.id == job_id) & (jobs.c.attempt == attempt)
            return leases.release(connection, lost, self._database.now())

    def unfinished(self, job_ids: Collection[str]) -> dict[str, bool]:
        """Which of some jobs have not ended: their ids, and whether each waits for anybody.

        Args:
            job_ids: of the jobs; those that ended, or were erased, are left out.
        """
        rows = self._database.ask(
            select(jobs.c.id, jobs.c.state, jobs.c.lease_owner).where(
                jobs.c.id.in_(job_ids), jobs.c.state.in_(UNFINISHED)
            )
        )
        return {row.id: row.state == "queued" and row.lease_owner is None for row in rows}

    def queued_ids(self, limit: int) -> tuple[str, ...]:
        """Ids of jobs that wait for anybody (not for their home), oldest first.

        Args:
            limit: most ids wanted.
        """
        waiting = (
            select(jobs.c.id)
            .where(jobs.c.state == "queued", jobs.c.lease_owner.is_(None))
            .order_by(jobs.c.created_at, jobs.c.id)
            .limit(limit)
        )
        return tuple(row.id for row in self._database.ask(waiting))

    def counts(self) -> dict[str, int]:
        """How many unfinished jobs are in each state: {"queued": n, "running": n}."""
        rows = self._database.ask(
            select(jobs.c.state, func.count())
            .where(jobs.c.state.in_(UNFINISHED))
            .group_by(jobs.c.state)
        )
        return dict.fromkeys(UNFINISHED, 0) | {row[0]: row[1] for row in rows}

    def referenced_uploads(self) -> frozenset[str]:
        """Storage names that unfinished jobs still need; every other upload may go."""
        rows = self._database.ask(select(jobs.c.uploads).where(jobs.c.state.in_(UNFINISHED)))
        return frozenset(name for row in rows for name in upload_names(row.uploads))

    def purge(self, *, older_than: timedelta) -> int:
        """Deletes jobs that finished longer ago than this: they hold decisions about people.

        Args:
            older_than: how long finished jobs are kept.

        Returns:
            How many went.
        """
        before = self._database.now() - older_than
        with self._database.write() as connection:
            forget_answers(connection, before)
            return connection.execute(delete(jobs).where(jobs.c.finished_at < before)).rowcount


def _add(
    connection: Connection, job: Job, idempotency: IdempotencyKey | None, home: Home | None
) -> AddedJob:
    if idempotency is not None:
        earlier = _job_of_key(connection, idempotency)
        if earlier is not None:
            return AddedJob(earlier, created=False)
    if home is not None and home.begins:
        job = replace(job, state="running", attempt=1, started_at=job.created_at)
    connection.execute(
        _INSERT,
        {
            "id": job.id,
            "kind": job.kind,
            "state": job.state,
            "gallery": job.gallery,
            "subject": job.subject,
            "request": job.request,
            "uploads": job.uploads,
            "attempt": job.attempt,
            "crashes": 0,
            "lease_owner": None if home is None else home.owner,
            "lease_until": None if home is None else job.created_at + home.lease,
            "actor": job.actor,
            "priority": job.priority,
            "expires_at": job.expires_at,
            "trace": job.trace,
            "created_at": job.created_at,
            "started_at": job.started_at,
        },
    )
    if idempotency is not None:
        kept = {
            "key": idempotency.key_hash,
            "fingerprint": idempotency.fingerprint,
            "job_id": job.id,
            "created_at": job.created_at,
        }
        if not insert_unless_there(connection, idempotency_keys, kept):
            raise _KeyTaken
    return AddedJob(job, created=True)


def _job_of_key(connection: Connection, idempotency: IdempotencyKey) -> Job | None:
    seen = connection.execute(
        select(idempotency_keys.c.fingerprint, idempotency_keys.c.job_id).where(
            idempotency_keys.c.key == idempotency.key_hash
        )
    ).one_or_none()
    if seen is None:
        return None
    idempotency.require_same_call(seen.fingerprint)
    return job_of(connection.execute(_BY_ID, {"job_id": seen.job_id}).one())
