"""From scores to an answer: who it is, or that nobody known walks like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.search.gallery_search import Candidate, Comparison, SearchResult
from model.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an identification, with everything it rests on.

    Attributes:
        decision: "match" when the best candidate reaches the threshold, else "unknown".
        subject: the caller's id of the best candidate; None when unknown.
        score: of the best candidate, even when unknown; None in an empty gallery.
        threshold: the score a stranger reaches with probability `target_fpir`.
        target_fpir: share of strangers that may be taken for somebody enrolled.
        gallery_size: subjects the probe was compared with.
        candidates: best first.
    """

    decision: Literal["match", "unknown"]
    subject: str | None
    score: float | None
    threshold: float
    target_fpir: float
    gallery_size: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to a claim of identity.

    Attributes:
        decision: "match" when the score reaches the threshold, else "no-match".
        subject: the caller's id of the claimed subject.
        score: None when the subject has no template by this checkpoint.
        threshold: the score an impostor reaches with probability `target_fmr`.
        target_fmr: share of impostors that may be accepted.
    """

    decision: Literal["match", "no-match"]
    subject: str
    score: float | None
    threshold: float
    target_fmr: float


def decide(result: SearchResult, calibration: Calibration, *, target_fpir: float) -> Decision:
    """Says who a probe is, or that it is unknown.

    Args:
        result: of the search, by the checkpoint that `calibration` belongs to.
        calibration: gives the threshold for a gallery of this size.
        target_fpir: share of strangers that may be taken for somebody enrolled, 0 < x < 1.
    """
    threshold = calibration.threshold(
        target_fpir=target_fpir, gallery_size=max(1, result.gallery_size), cohort=result.cohort
    )
    best = result.candidates[0] if result.candidates else None
    matches = best is not None and best.score >= threshold
    return Decision(
        decision="match" if matches else "unknown",
        subject=best.subject if best is not None and matches else None,
        score=None if best is None else best.score,
        threshold=threshold,
        target_fpir=target_fpir,
        gallery_size=result.gallery_size,
        candidates=result.candidates,
    )


def decide_verification(
    comparison: Comparison, calibration: Calibration, *, target_fmr: float
) -> Verification:
    """Says whether a probe is who it claims to be.

    Args:
        comparison: with the claimed subject.
        calibration: gives the threshold.
        target_fmr: share of impostors that may be accepted, 0 < x < 1.
    """
    threshold = calibration.verification_threshold(target_fmr=target_fmr, cohort=comparison.cohort)
    matches = comparison.score is not None and comparison.score >= threshold
    return Verification(
        decision="match" if matches else "no-match",
        subject=comparison.subject,
        score=comparison.score,
        threshold=threshold,
        target_fmr=target_fmr,
    )


def possible_duplicates(
    result: SearchResult, calibration: Calibration, *, subject: str, target_fmr: float
) -> tuple[Candidate, ...]:
    """Other subjects that a newly enrolled walk is as close to as one person's walks are.

    Args:
        result: of a search with the new walks.
        calibration: gives the threshold.
        subject: who was enrolled; left out.
        target_fmr: share of pairs of different people that may be reported, 0 < x < 1.
    """
    threshold = calibration.verification_threshold(target_fmr=target_fmr, cohort=result.cohort)
    return tuple(
        candidate
        for candidate in result.candidates
        if candidate.subject != subject and candidate.score >= threshold
    )
