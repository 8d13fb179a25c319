"""What a job is: the work of one call, from its acceptance to its answer.

A job is queued, running, succeeded or failed. Whoever runs it holds a lease under an attempt
number; completing needs that number, so of two workers that hold one job only the present one
counts. Nothing is removed from the queue by being taken: the row is the queue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from app.errors import IdempotencyKeyReused
from app.registry.acting import actor
from app.registry.columns import AnyRow, new_id
from app.registry.tables import jobs

JobKind: TypeAlias = Literal["enroll", "identify", "verify"]
JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed"]
Priority: TypeAlias = Literal["interactive", "bulk"]

UNFINISHED: Final = ("queued", "running")


def request_id_in(trace: str | None) -> str | None:
    """The id of the request that a job's `trace` names, if there is one."""
    return None if trace is None else trace.split("-")[2]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be accepted.

    Attributes:
        kind: which call it answers.
        gallery: name of the gallery it is about.
        subject: whom it is about; None for an identification.
        request: the call's other fields, as JSON.
        uploads: storage names of its recordings, one tuple per walk.
        priority: interactive while a caller waits for the answer, bulk when nobody does.
        expires_in: after which the answer is of no use; None for never.
        trace: the W3C traceparent of the call; its parent id is the id of the request.
        id: UUID; callers see it.
    """

    kind: JobKind
    gallery: str
    subject: str | None
    request: dict[str, object]
    uploads: tuple[tuple[str, ...], ...]
    priority: Priority = "interactive"
    expires_in: timedelta | None = None
    trace: str | None = None
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        id: UUID.
        kind: which call it answers.
        state: queued, running, succeeded or failed.
        gallery: name of the gallery; follows a rename.
        subject: whom it is about; None for an identification.
        request: the call's other fields.
        uploads: storage names of its recordings, one tuple per walk; empty once finished.
        attempt: how often it was claimed; the number to complete it with.
        crashes: how many workers were lost with it.
        result: the answer, when it succeeded.
        problem: a problem document, when it failed.
        actor: who asked for it, as the audit log names callers; None of jobs older than that.
        priority: interactive jobs are begun before bulk ones.
        expires_at: after which it is not begun any more, in UTC; None for never.
        trace: the W3C traceparent of the call; its parent id is the id of the request.
        stage: what is being done, while it runs and takes a while: capture, gei, encode, search,
            explain or store.
        created_at: in UTC.
        started_at: when it was first claimed, in UTC.
        finished_at: in UTC.
    """

    id: str
    kind: JobKind
    state: JobState
    gallery: str
    subject: str | None
    request: dict[str, object]
    uploads: tuple[tuple[str, ...], ...]
    attempt: int
    crashes: int
    result: dict[str, object] | None
    problem: dict[str, object] | None
    actor: str | None
    priority: Priority
    expires_at: datetime | None
    trace: str | None
    stage: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def request_id(self) -> str | None:
        """Which call asked for it, as its answer said (X-Request-Id); None where nobody noted."""
        return request_id_in(self.trace)

    @property
    def finished(self) -> bool:
        """True when there is a result or a problem."""
        return self.state not in UNFINISHED


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What makes a repeated call the same call.

    Attributes:
        key_hash: hex SHA-256 of the route and the caller's key, 64 characters.
        fingerprint: hex SHA-256 of everything the call asks for, 64 characters.
    """

    key_hash: str
    fingerprint: str

    def require_same_call(self, fingerprint: str) -> None:
        """Checks the fingerprint that was stored under the key.

        Raises:
            IdempotencyKeyReused: it is of another call.
        """
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used before, for a call with another content."
            )


@dataclass(frozen=True, slots=True)
class Home:
    """The instance that accepts a job and whose caller waits for it; no other takes it meanwhile.

    Attributes:
        owner: the id of the service instance.
        lease: how long the job stays its own unless renewed.
        begins: the job is claimed by being accepted, as its first attempt (a thread is idle).
    """

    owner: str
    lease: timedelta
    begins: bool = False


@dataclass(frozen=True, slots=True)
class AddedJob:
    """The answer to an accepted call.

    Attributes:
        job: the new job, or the one that was accepted first under the same key.
        created: False for the latter; what was uploaded this time is then needed by nobody.
    """

    job: Job
    created: bool


COLUMNS: Final = (
    jobs.c.id,
    jobs.c.kind,
    jobs.c.state,
    jobs.c.gallery,
    jobs.c.subject,
    jobs.c.request,
    jobs.c.uploads,
    jobs.c.attempt,
    jobs.c.crashes,
    jobs.c.result,
    jobs.c.problem,
    jobs.c.actor,
    jobs.c.priority,
    jobs.c.expires_at,
    jobs.c.trace,
    jobs.c.stage,
    jobs.c.created_at,
    jobs.c.started_at,
    jobs.c.finished_at,
)


def job_of(row: AnyRow) -> Job:
    """A row of COLUMNS as a value."""
    values = dict(row._mapping)
    values["uploads"] = tuple(tuple(walk) for walk in row.uploads)
    return Job(**values)


def queued_job(new_job: NewJob, created_at: datetime) -> Job:
    """A new job as it stands right after its acceptance."""
    return Job(
        id=new_job.id,
        kind=new_job.kind,
        state="queued",
        gallery=new_job.gallery,
        subject=new_job.subject,
        request=new_job.request,
        uploads=new_job.uploads,
        attempt=0,
        crashes=0,
        result=None,
        problem=None,
        actor=actor(),
        priority=new_job.priority,
        expires_at=None if new_job.expires_in is None else created_at + new_job.expires_in,
        trace=new_job.trace,
        stage=None,
        created_at=created_at,
        started_at=None,
        finished_at=None,
    )
