"""The answers as JSON: what a finished job stores and its caller gets.

Scores and thresholds keep six decimals, so that a shown score is never on the other side of a shown
threshold than the decision it led to.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.registry import Enrolled, Job, NewWalk
from app.search import Candidate, Comparison, Decision, Verification
from app.worker.outcomes import Json

Timing = dict[str, float]


def enrollment_result(
    job: Job,
    enrolled: Enrolled,
    walks: Sequence[NewWalk],
    duplicates: Sequence[Candidate],
    checkpoint_id: str,
    timing_ms: Timing,
) -> Json:
    """The answer of `POST /enroll`."""
    return {
        "subject": enrolled.subject,
        "gallery": enrolled.gallery,
        "name": enrolled.name,
        "created": enrolled.created,
        "walks": [
            {"id": walk.id, "quality": walk.quality, "gei": f"/walks/{walk.id}/gei.png"}
            for walk in walks
        ],
        "possible_duplicates": [
            {"subject": duplicate.subject, "score": round(duplicate.score, 6)}
            for duplicate in duplicates
        ],
        "checkpoint": checkpoint_id,
        "job": job.id,
        "timing": timing_ms,
    }


def identification_result(
    job: Job, decision: Decision, quality: Json, checkpoint_id: str, timing_ms: Timing
) -> Json:
    """The answer of `POST /identify`."""
    return {
        "decision": decision.decision,
        "subject": decision.subject,
        "score": _rounded(decision.score),
        "threshold": round(decision.threshold, 6),
        "target_fpir": decision.target_fpir,
        "gallery": job.gallery,
        "gallery_size": decision.gallery_size,
        "checkpoint": checkpoint_id,
        "candidates": [
            {
                "subject": candidate.subject,
                "name": candidate.name,
                "score": round(candidate.score, 6),
                "walk": candidate.walk_id,
            }
            for candidate in decision.candidates
        ],
        "quality": quality,
        "gei": f"/jobs/{job.id}/gei.png",
        "job": job.id,
        "timing": timing_ms,
    }


def verification_result(
    job: Job,
    verification: Verification,
    comparison: Comparison,
    quality: Json,
    checkpoint_id: str,
    timing_ms: Timing,
) -> Json:
    """The answer of `POST /verify`."""
    return {
        "decision": verification.decision,
        "subject": verification.subject,
        "score": _rounded(verification.score),
        "threshold": round(verification.threshold, 6),
        "target_fmr": verification.target_fmr,
        "gallery": job.gallery,
        "checkpoint": checkpoint_id,
        "walk": comparison.walk_id,
        "quality": quality,
        "gei": f"/jobs/{job.id}/gei.png",
        "job": job.id,
        "timing": timing_ms,
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
