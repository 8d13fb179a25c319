"""The shapes of answers about walks.

`/enroll`, `/identify` and `/verify` answer with what the job stored, as it was stored; these
classes describe it and the tests hold the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

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
        str | None,
        Field(
            description=(
                "Why it was not used, as in a problem's `type`; `walk-limit` where the gallery"
                " keeps only the best few walks of a subject."
            )
        ),
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
        list[LeftOutWalk], Field(description="Passes that were seen and are not stored.")
    ]
    replaced: Annotated[
        list[str],
        Field(description="Earlier walks that were erased: the gallery keeps the best few only."),
    ]
    possible_duplicates: Annotated[
        list[Duplicate], Field(description="Named to callers who hold the scope `identify`.")
    ]
    checkpoint: str
    job: str
    timing: Timing


class CheckedWalk(SeenWalk):
    recording: Annotated[int, Field(description="Number of the recording in the call, from 1.")]
    good_enough: Annotated[bool, Field(description="Whether an enrolment would store it.")]
    quality: Quality
    gei: Annotated[str, Field(description="Where the gait energy image lies, for a day.")]


class EnrollmentCheck(BaseModel):
    """What an enrolment would find; nobody was enrolled."""

    subject: str
    gallery: str
    walks: list[CheckedWalk]
    left_out: Annotated[
        list[LeftOutWalk], Field(description="Passes that were seen and cannot be used.")
    ]
    possible_duplicates: Annotated[
        list[Duplicate], Field(description="Named to callers who hold the scope `identify`.")
    ]
    checkpoint: str
    job: str
    timing: Timing


class ThresholdSource(BaseModel):
    """What the threshold rests on (docs/thresholds.md)."""

    kind: Annotated[
        Literal["gallery", "checkpoint"],
        Field(description="Whose impostor scores: this gallery's own, or the checkpoint's."),
    ]
    subjects: Annotated[int, Field(description="People who were measured.")]
    comparisons: Annotated[int, Field(description="Of a walk with somebody else.")]
    measured_at: Annotated[datetime | None, Field(description="None of a checkpoint.")]
    lowest: Annotated[
        float | None,
        Field(description="Of the threshold's 95 % interval; None of a checkpoint."),
    ]
    highest: float | None
    out_of_date: Annotated[
        bool,
        Field(
            description=(
                "The gallery was calibrated, and has since more than doubled or halved: the"
                " checkpoint's threshold was used. Calibrate it again."
            )
        ),
    ]


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
    threshold_source: ThresholdSource
    gallery_size: Annotated[int, Field(description="Subjects that were searched.")]
    candidates: Annotated[list[CandidateRow], Field(description="Best first, one per subject.")]
    quality: Annotated[Quality, Field(description="Of the walker's best walk.")]
    walker: WalkerSeen
    gei: str
    explanation: Annotated[
        str | None,
        Field(description="Where what the decision rests on lies; only with `explain=true`."),
    ] = None


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
    threshold_source: ThresholdSource
    gallery: str
    checkpoint: str
    walk: str | None
    quality: Quality
    walker: WalkerSeen
    gei: str
    job: str
    timing: Timing
