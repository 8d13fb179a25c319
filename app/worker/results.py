"""The answers as JSON: what a finished job stores and its caller gets.

Scores and thresholds keep six decimals, so that a shown score is never on the other side of a shown
threshold than the decision it led to.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.registry import Enrolled, Job, NewWalk
from app.search import Candidate, Comparison, Decision, ThresholdSource, Verification
from app.worker.explaining import explains
from app.worker.outcomes import Json
from app.worker.walkers import UsableWalk, Walker
from model.judged_walk import RefusedWalk

Timing = dict[str, float]

_NO_ROOM: Json = {
    "used": False,
    "problem": "walk-limit",
    "detail": (
        "The gallery keeps only the best few walks of a subject, and those it keeps are better or"
        " show the person from more sides."
    ),
}


def enrollment_result(
    job: Job,
    enrolled: Enrolled,
    recordings: Sequence[Walker],
    walks: Sequence[NewWalk],
    duplicates: Sequence[Candidate],
    checkpoint_id: str,
    timing_ms: Timing,
) -> Json:
    """The answer of `POST /enroll`.

    Args:
        job: that asked for it.
        enrolled: what was done.
        recordings: the walker of each recording of the call.
        walks: the usable ones of all recordings, in their order.
        duplicates: others who walk much alike.
        checkpoint_id: that made the templates.
        timing_ms: per stage.
    """
    seen = [
        (recording, each, walk)
        for (recording, each), walk in zip(_usable(recordings), walks, strict=True)
    ]
    return {
        "subject": enrolled.subject,
        "gallery": enrolled.gallery,
        "name": enrolled.name,
        "created": enrolled.created,
        "walks": [
            {
                "id": walk.id,
                "recording": recording,
                **each.walk.to_json(),
                "quality": walk.quality,
                "gei": f"/walks/{walk.id}/gei.png",
            }
            for recording, each, walk in seen
            if walk.id in enrolled.walks
        ],
        "left_out": [
            *(
                {"recording": recording, **each.walk.to_json(), **_NO_ROOM}
                for recording, each, walk in seen
                if walk.id not in enrolled.walks
            ),
            *_left_out(recordings),
        ],
        "replaced": list(enrolled.replaced),
        "possible_duplicates": _alike(duplicates),
        "checkpoint": checkpoint_id,
        "job": job.id,
        "timing": timing_ms,
    }


def check_result(
    job: Job,
    recordings: Sequence[Walker],
    duplicates: Sequence[Candidate],
    checkpoint_id: str,
    timing_ms: Timing,
    *,
    least_quality: float,
) -> Json:
    """The answer of `POST /enroll` with `check=true`.

    Args:
        job: that asked for it.
        recordings: the walker of each recording of the call.
        duplicates: others who walk much alike.
        checkpoint_id: that measured them.
        timing_ms: per stage.
        least_quality: score below which a walk is not enrolled.
    """
    return {
        "subject": job.subject,
        "gallery": job.gallery,
        "walks": [
            {
                "recording": recording,
                **each.walk.to_json(),
                "good_enough": each.judged.judgement.score >= least_quality,
                "quality": each.judged.quality,
                "gei": f"/jobs/{job.id}/gei.png?walker={number}",
            }
            for number, (recording, each) in enumerate(_usable(recordings), start=1)
        ],
        "left_out": _left_out(recordings),
        "possible_duplicates": _alike(duplicates),
        "checkpoint": checkpoint_id,
        "job": job.id,
        "timing": timing_ms,
    }


def identification_result(
    job: Job, walker: Walker, decision: Decision, checkpoint_id: str, timing_ms: Timing
) -> Json:
    """The answer of `POST /identify` about one walker."""
    return _identified(job, walker, decision) | _identification_frame(job, checkpoint_id, timing_ms)


def everybody_result(
    job: Job,
    decided: Sequence[tuple[Walker, Decision]],
    left_out: Sequence[Walker],
    checkpoint_id: str,
    timing_ms: Timing,
) -> Json:
    """The answer of `POST /identify` with `walker=all`: one entry per walker.

    Args:
        job: that asked for it.
        decided: everybody who could be recognised or not, with the decision.
        left_out: everybody without a usable walk.
        checkpoint_id: that made the scores.
        timing_ms: per stage.
    """
    return {
        "walkers": [_identified(job, walker, decision) for walker, decision in decided],
        "left_out": [_walker(walker) for walker in left_out],
        **_identification_frame(job, checkpoint_id, timing_ms),
    }


def verification_result(
    job: Job,
    walker: Walker,
    verification: Verification,
    comparison: Comparison,
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
        "threshold_source": _source(verification.threshold_source),
        "gallery": job.gallery,
        "checkpoint": checkpoint_id,
        "walk": comparison.walk_id,
        "quality": walker.best.quality,
        "walker": _walker(walker),
        "gei": f"/jobs/{job.id}/gei.png",
        "job": job.id,
        "timing": timing_ms,
    }


def _usable(recordings: Sequence[Walker]) -> list[tuple[int, UsableWalk]]:
    """The usable walks of all recordings, with the numbers of these."""
    return [
        (recording, each)
        for recording, walker in enumerate(recordings, start=1)
        for each in walker.usable
    ]


def _left_out(recordings: Sequence[Walker]) -> list[Json]:
    """The others, likewise."""
    return [
        {"recording": recording, **_unused(each)}
        for recording, walker in enumerate(recordings, start=1)
        for each in walker.unusable
    ]


def _alike(duplicates: Sequence[Candidate]) -> list[Json]:
    return [{"subject": each.subject, "score": round(each.score, 6)} for each in duplicates]


def _identified(job: Job, walker: Walker, decision: Decision) -> Json:
    return {
        "decision": decision.decision,
        "subject": decision.subject,
        "score": _rounded(decision.score),
        "threshold": round(decision.threshold, 6),
        "target_fpir": decision.target_fpir,
        "threshold_source": _source(decision.threshold_source),
        "gallery_size": decision.gallery_size,
        "candidates": [
            {
                "subject": candidate.subject,
                "name": candidate.name,
                "score": round(candidate.score, 6),
                "walk": candidate.walk_id,
            }
            for candidate in decision.candidates
        ],
        "quality": walker.best.quality,
        "walker": _walker(walker),
        "gei": f"/jobs/{job.id}/gei.png?walker={walker.number}",
        "explanation": (
            f"/jobs/{job.id}/explanation?walker={walker.number}" if explains(job) else None
        ),
    }


def _identification_frame(job: Job, checkpoint_id: str, timing_ms: Timing) -> Json:
    return {
        "gallery": job.gallery,
        "checkpoint": checkpoint_id,
        "job": job.id,
        "timing": timing_ms,
    }


def _source(source: ThresholdSource) -> Json:
    measured_at = source.measured_at
    return {
        "kind": source.kind,
        "subjects": source.subjects,
        "comparisons": source.comparisons,
        "measured_at": None if measured_at is None else measured_at.isoformat(),
        "lowest": _rounded(source.lowest),
        "highest": _rounded(source.highest),
        "out_of_date": source.out_of_date,
    }


def _walker(walker: Walker) -> Json:
    seen: list[UsableWalk | RefusedWalk] = [*walker.usable, *walker.unusable]
    seen.sort(key=lambda each: each.walk.first_frame)
    return {
        "number": walker.number,
        "height_pixels": round(walker.height_pixels, 1),
        "walks": [_unused(each) if isinstance(each, RefusedWalk) else _used(each) for each in seen],
    }


def _used(each: UsableWalk) -> Json:
    return {**each.walk.to_json(), "used": True, "problem": None, "detail": None}


def _unused(each: RefusedWalk) -> Json:
    return {
        **each.walk.to_json(),
        "used": False,
        "problem": each.refusal.code,
        "detail": each.refusal.detail,
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
