"""The shapes of answers, for validation of small ones and for /openapi.json."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app import registry
from app.http.examples import PROBLEM_EXAMPLE
from app.http.recognition_schemas import Direction, Quality
from app.registry.job import Priority
from app.registry.job_list import ListedJob
from app.registry.receipts import Receipts


class AcceptedJob(BaseModel):
    """The job was accepted and goes on; ask for it at `Location`."""

    id: str
    kind: registry.JobKind
    state: Literal["queued"]


class JobRow(BaseModel):
    """A job in a list; `GET /jobs/{job}` has its answer."""

    id: str
    kind: registry.JobKind
    state: registry.JobState
    stage: Annotated[str | None, Field(description="As in `GET /jobs/{job}`.")]
    gallery: str
    subject: Annotated[str | None, Field(description="Whom it is about; None to identify.")]
    priority: Annotated[
        Priority,
        Field(description="Interactive jobs, whose callers wait, are begun before bulk ones."),
    ]
    attempt: int
    problem: Annotated[dict[str, Any] | None, Field(description="What it failed with.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: ListedJob) -> JobRow:
        return cls.model_validate(job, from_attributes=True)


class JobRows(BaseModel):
    """How much work there is, and, where a `limit` was given, a page of it."""

    queued: Annotated[int, Field(description="Jobs that wait, in all processes of this service.")]
    running: int
    jobs: Annotated[
        list[JobRow],
        Field(description="Newest first, as far as the caller could have asked for them."),
    ] = []
    next: Annotated[str | None, Field(description="`cursor` of the next page.")] = None


class JobState(BaseModel):
    """A job, with its result or the problem it failed with once it has ended."""

    id: str
    kind: registry.JobKind
    state: registry.JobState
    stage: Annotated[
        str | None,
        Field(
            description=(
                "What a running job does, where that takes a while: capture, gei, encode, search,"
                " explain or store."
            )
        ),
    ]
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    @classmethod
    def of(cls, job: registry.Job) -> JobState:
        return cls.model_validate(job, from_attributes=True)


class WalkRow(BaseModel):
    """One stored walk."""

    id: str
    subject: str
    gallery: str
    source: Annotated[str, Field(description="Whether it came as a file or as frames.")]
    quality: Quality
    direction: Direction
    checkpoints: Annotated[list[str], Field(description="Which checkpoints have a template of it.")]
    job: str | None
    gei: str
    created_at: datetime

    @classmethod
    def of(cls, walk: registry.Walk) -> WalkRow:
        return cls(
            id=walk.id,
            subject=walk.subject,
            gallery=walk.gallery,
            source=walk.source,
            quality=walk.quality,
            direction=walk.direction,
            checkpoints=list(walk.checkpoints),
            job=walk.job_id,
            gei=f"/walks/{walk.id}/gei.png",
            created_at=walk.created_at,
        )


class WalkRows(BaseModel):
    walks: list[WalkRow]


class ErasureReceipt(BaseModel):
    """A signed statement; docs/erasure.md lists its members. Keep it: the service does not."""

    statement: dict[str, Any]
    signer: Annotated[str, Field(description="Fingerprint of the key at /audit/key.")]
    signature: Annotated[str, Field(description="Ed25519, in hexadecimal.")]


class Erased(BaseModel):
    """What was removed for good."""

    subjects: int
    walks: int
    templates: int
    jobs: int
    receipt: ErasureReceipt

    @classmethod
    def of(cls, erasure: registry.Erasure, receipts: Receipts) -> Erased:
        return cls(
            subjects=erasure.subjects,
            walks=erasure.walks,
            templates=erasure.templates,
            jobs=len(erasure.jobs),
            receipt=ErasureReceipt.model_validate(receipts.of(erasure).to_json()),
        )


class ProblemDocument(BaseModel):
    """RFC 9457. Further members carry the figures of this case."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="Stable; programs may branch on it.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="What was wrong with this call.")]
    advice: Annotated[str, Field(description="What to do about it.")]


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": AcceptedJob,
        "description": "Accepted and not finished within the wait (or `Prefer: respond-async`).",
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors of a route."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": schema, "example": PROBLEM_EXAMPLE}},
        }
        for status in statuses
    }
