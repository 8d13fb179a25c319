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
    Field(
        description=(
            "`score` is the chance that such a walk is recognised, 0 to 1; `level` is good, fair"
            " or poor; `findings` say what is wrong and what to do about it. Also: frames seen,"
            " used and dropped (and why), gait cycles, period in seconds."
        )
    ),
]
Direction = Annotated[
    Literal["left", "right", "towards", "away"] | None,
    Field(description="Of walking, as the camera sees it; None where it cannot be told."),
]
Timing = Annotated[dict[str, float], Field(description="Milliseconds per stage, and in total.")]


class SeenWalk(BaseModel):
    """One uninterrupted stretch in which one person walks in one direction."""

    first_frame: Annotated[int, Field(description="Of the recording, from 0.")]
    last_frame: int
    from_seconds: Annotated[float | None, Field(description="None without a known frame rate.")]
    to_seconds: float | None
    direction: Direction


class StoredWalk(SeenWalk):
    id: str
    recording: Annotated[int, Field(description="Number of the recording in the call, from 1.")]
    quality: Quality
    gei: Annotated[str, Field(description="Where the gait energy image lies, as PNG.")]


class JudgedWalk(SeenWalk):
    used: bool
    problem: Annotated[
        str | None, Field(description="Why it was not used, as in a problem's `type`.")
    ] = None
    detail: str | None = None


class LeftOutWalk(JudgedWalk):
    recording: int


class WalkerSeen(BaseModel):
    """One person of a recording. Two people seen at the same time have different numbers."""

    number: Annotated[int, Field(description="In order of appearance, from 1.")]
    height_pixels: Annotated[float, Field(description="In the frames the service works on.")]
    walks: list[JudgedWalk]


class Duplicate(BaseModel):
    subject: str
    score: Score


class Enrolled(BaseModel):
    """The answer of an enrolment."""

    subject: str
    gallery: str
    name: str | None
    created: Annotated[bool, Field(description="False when the subject was known before.")]
    walks: Annotated[
        list[StoredWalk], Field(description="Each pass of a recording is a walk of its own.")
    ]
    left_out: Annotated[
        list[LeftOutWalk], Field(description="Passes that were seen and cannot be used.")
    ]
    possible_duplicates: list[Duplicate]
    checkpoint: str
    job: str
    timing: Timing


class CandidateRow(BaseModel):
    subject: str
    name: str | None
    score: Score
    walk: Annotated[str, Field(description="The subject's walk that is most like the probe.")]


class IdentifiedWalker(BaseModel):
    """Who one walker is."""

    decision: Literal["match", "unknown"]
    subject: Annotated[
        str | None,
        Field(
            description=(
                "None when the decision is unknown. Not always the first candidate: of walkers seen"
                " at the same time no two are the same subject."
            )
        ),
    ]
    score: Annotated[
        float | None,
        Field(description="Of the subject, or of the best candidate; None: empty gallery."),
    ]
    threshold: Score
    target_fpir: float
    gallery_size: Annotated[int, Field(description="Subjects that were searched.")]
    candidates: Annotated[list[CandidateRow], Field(description="Best first, one per subject.")]
    quality: Annotated[Quality, Field(description="Of the walker's best walk.")]
    walker: WalkerSeen
    gei: str


class Identified(IdentifiedWalker):
    """The answer of an identification of one walker."""

    gallery: str
    checkpoint: str
    job: str
    timing: Timing


class IdentifiedEverybody(BaseModel):
    """The answer of an identification with `walker=all`."""

    walkers: list[IdentifiedWalker]
    left_out: Annotated[
        list[WalkerSeen], Field(description="People none of whose walks can be used.")
    ]
    gallery: str
    checkpoint: str
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
    walker: WalkerSeen
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
