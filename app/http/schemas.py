"""The shapes of answers, for validation of small ones and for /openapi.json.

`/enroll`, `/identify` and `/verify` answer with what the job stored, as it was stored; these
classes describe it and the tests hold the two together.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app import registry
from app.http.examples import PROBLEM_EXAMPLE

Score = Annotated[float, Field(description="Cosine similarity, -1 to 1.")]
Quality = Annotated[
    dict[str, Any],
    Field(description="Frames seen, used and dropped (and why), gait cycles, period in seconds."),
]
Timing = Annotated[dict[str, float], Field(description="Milliseconds per stage, and in total.")]


class StoredWalk(BaseModel):
    id: str
    quality: Quality
    gei: Annotated[str, Field(description="Where the gait energy image lies, as PNG.")]


class Duplicate(BaseModel):
    subject: str
    score: Score


class Enrolled(BaseModel):
    """The answer of an enrolment."""

    subject: str
    gallery: str
    name: str | None
    created: Annotated[bool, Field(description="False when the subject was known before.")]
    walks: list[StoredWalk]
    possible_duplicates: list[Duplicate]
    checkpoint: str
    job: str
    timing: Timing


class CandidateRow(BaseModel):
    subject: str
    name: str | None
    score: Score
    walk: Annotated[str, Field(description="The subject's walk that is most like the probe.")]


class Identified(BaseModel):
    """The answer of an identification."""

    decision: Literal["match", "unknown"]
    subject: Annotated[str | None, Field(description="None when the decision is unknown.")]
    score: Annotated[float | None, Field(description="Of the best candidate; None: empty gallery.")]
    threshold: Score
    target_fpir: float
    gallery: str
    gallery_size: Annotated[int, Field(description="Subjects that were searched.")]
    checkpoint: str
    candidates: Annotated[list[CandidateRow], Field(description="Best first, one per subject.")]
    quality: Quality
    gei: str
    job: str
    timing: Timing


class Verified(BaseModel):
    """The answer of a verification."""

    decision: Literal["match", "no-match"]
    subject: str
    score: float | None
    threshold: Score
    target_fmr: float
    gallery: str
    checkpoint: str
    walk: str | None
    quality: Quality
    gei: str
    job: str
    timing: Timing


class AcceptedJob(BaseModel):
    """The job was accepted and goes on; ask for it at `Location`."""

    id: str
    kind: Literal["enroll", "identify", "verify"]
    state: Literal["queued"]


class UnfinishedJobs(BaseModel):
    queued: int
    running: int


class JobState(BaseModel):
    """A job, with its result or the problem it failed with once it has ended."""

    id: str
    kind: Literal["enroll", "identify", "verify"]
    state: Literal["queued", "running", "succeeded", "failed"]
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    @classmethod
    def of(cls, job: registry.Job) -> JobState:
        return cls.model_validate(job, from_attributes=True)


class SubjectRow(BaseModel):
    """A person known to a gallery."""

    subject: Annotated[str, Field(description="Your id for the person.")]
    gallery: str
    name: str | None
    metadata: dict[str, Any]
    walks: Annotated[int, Field(description="Stored walks.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, subject: registry.Subject) -> SubjectRow:
        return cls.model_validate(subject, from_attributes=True)


class SubjectRows(BaseModel):
    subjects: list[SubjectRow]
    next: Annotated[str | None, Field(description="Send it as `cursor` for the next page.")]


class SubjectChanges(BaseModel):
    """What is left out stays; `name: null` clears; `metadata` replaces the old object."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    metadata: dict[str, Any] | None = None


class WalkRow(BaseModel):
    """One stored walk."""

    id: str
    subject: str
    gallery: str
    source: Annotated[str, Field(description="Whether it came as a file or as frames.")]
    quality: Quality
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
            checkpoints=list(walk.checkpoints),
            job=walk.job_id,
            gei=f"/walks/{walk.id}/gei.png",
            created_at=walk.created_at,
        )


class WalkRows(BaseModel):
    walks: list[WalkRow]


class GalleryRow(BaseModel):
    """A named set of subjects that is searched together."""

    name: str
    subjects: int
    revision: Annotated[int, Field(description="Rises with every change of a template.")]
    created_at: datetime

    @classmethod
    def of(cls, gallery: registry.Gallery) -> GalleryRow:
        return cls.model_validate(gallery, from_attributes=True)


class GalleryRows(BaseModel):
    galleries: list[GalleryRow]


class GalleryName(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class Erased(BaseModel):
    """What was removed for good."""

    subjects: int
    walks: int
    templates: int
    jobs: int

    @classmethod
    def of(cls, erasure: registry.Erasure) -> Erased:
        return cls(
            subjects=erasure.subjects,
            walks=erasure.walks,
            templates=erasure.templates,
            jobs=len(erasure.jobs),
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
