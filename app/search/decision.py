"""From scores to an answer: who it is, or that nobody known walks like this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.search.assignment import Pair, assign
from app.search.gallery_search import Candidate, Comparison, SearchResult
from app.search.thresholds import ThresholdBasis, ThresholdSource


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an identification, with everything it rests on.

    Attributes:
        decision: "match" when a candidate reaches the threshold, else "unknown".
        subject: the caller's id of the best candidate that nobody seen at the same time is more
            likely to be; None when unknown.
        score: of that subject; of the best candidate when unknown; None in an empty gallery.
        threshold: the score a stranger reaches with probability `target_fpir`.
        target_fpir: share of strangers that may be taken for somebody enrolled.
        threshold_source: what the threshold rests on.
        gallery_size: subjects the probe was compared with.
        candidates: best first.
    """

    decision: Literal["match", "unknown"]
    subject: str | None
    score: float | None
    threshold: float
    target_fpir: float
    threshold_source: ThresholdSource
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
        threshold_source: what the threshold rests on.
    """

    decision: Literal["match", "no-match"]
    subject: str
    score: float | None
    threshold: float
    target_fmr: float
    threshold_source: ThresholdSource


def decide(result: SearchResult, basis: ThresholdBasis, *, target_fpir: float) -> Decision:
    """Says who a probe is, or that it is unknown.

    Args:
        result: of the search, by the checkpoint of `basis`.
        basis: gives the threshold for a gallery of this size.
        target_fpir: share of strangers that may be taken for somebody enrolled, 0 < x < 1.
    """
    (decision,) = decide_together([result], basis, target_fpir=target_fpir, together=())
    return decision


def decide_together(
    results: Sequence[SearchResult],
    basis: ThresholdBasis,
    *,
    target_fpir: float,
    together: Sequence[Pair],
) -> tuple[Decision, ...]:
    """Says who each walker of one recording is; of those seen at the same time no two are one.

    Nobody becomes a match who would not be one alone: the false-positive rate stays what it is.

    Args:
        results: one per walker, with as many candidates as there are walkers where there are.
        basis: as in `decide`.
        target_fpir: as in `decide`, for each walker.
        together: pairs of places in `results` whose walkers were seen at the same time.
    """
    thresholds = [
        basis.identification(
            target_fpir=target_fpir, gallery_size=result.gallery_size, cohort=result.cohort
        )
        for result in results
    ]
    margins = [
        {
            candidate.subject: candidate.score - threshold.value
            for candidate in result.candidates
            if candidate.score >= threshold.value
        }
        for result, threshold in zip(results, thresholds, strict=True)
    ]
    subjects = assign(margins, together)
    return tuple(
        Decision(
            decision="unknown" if subject is None else "match",
            subject=subject,
            score=_score(result, subject),
            threshold=threshold.value,
            target_fpir=target_fpir,
            threshold_source=threshold.source,
            gallery_size=result.gallery_size,
            candidates=result.candidates,
        )
        for result, threshold, subject in zip(results, thresholds, subjects, strict=True)
    )


def decide_verification(
    comparison: Comparison, basis: ThresholdBasis, *, target_fmr: float
) -> Verification:
    """Says whether a probe is who it claims to be.

    Args:
        comparison: with the claimed subject.
        basis: gives the threshold.
        target_fmr: share of impostors that may be accepted, 0 < x < 1.
    """
    threshold = basis.verification(target_fmr=target_fmr, cohort=comparison.cohort)
    matches = comparison.score is not None and comparison.score >= threshold.value
    return Verification(
        decision="match" if matches else "no-match",
        subject=comparison.subject,
        score=comparison.score,
        threshold=threshold.value,
        target_fmr=target_fmr,
        threshold_source=threshold.source,
    )


def possible_duplicates(
    result: SearchResult, basis: ThresholdBasis, *, subject: str, target_fmr: float
) -> tuple[Candidate, ...]:
    """Other subjects that a newly enrolled walk is as close to as one person's walks are.

    Args:
        result: of a search with the new walks.
        basis: gives the threshold.
        subject: who was enrolled; left out.
        target_fmr: share of pairs of different people that may be reported, 0 < x < 1.
    """
    threshold = basis.verification(target_fmr=target_fmr, cohort=result.cohort)
    return tuple(
        candidate
        for candidate in result.candidates
        if candidate.subject != subject and candidate.score >= threshold.value
    )


def _score(result: SearchResult, subject: str | None) -> float | None:
    """Of the subject, or of the best candidate where it is nobody."""
    for candidate in result.candidates:
        if subject in (None, candidate.subject):
            return candidate.score
    return None
