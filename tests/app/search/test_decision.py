"""A decision names what it rests on; unknown is an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.registry.gallery_thresholds import GalleryThresholds
from app.search import (
    Candidate,
    Comparison,
    SearchResult,
    ThresholdBasis,
    ThresholdSource,
    decide,
    decide_verification,
    possible_duplicates,
)
from model.calibration import Calibration, Cohort
from model.gallery_curve import GalleryCalibration, GalleryCurve

CURVE = Calibration(
    false_match_rates=(0.5, 0.1, 0.01, 0.001, 0.0001),
    scores=(0.1, 0.3, 0.5, 0.7, 0.9),
    source="made up for tests",
    subjects=10,
    comparisons=100,
)

BASIS = ThresholdBasis(CURVE)


def candidate(subject: str, score: float) -> Candidate:
    return Candidate(subject, None, score, f"walk of {subject}", 1)


def result(*candidates: Candidate, gallery_size: int = 1) -> SearchResult:
    return SearchResult(candidates, gallery_size, 7)


def test_a_score_at_the_threshold_is_a_match() -> None:
    threshold = CURVE.threshold(target_fpir=0.01, gallery_size=1)
    decision = decide(result(candidate("anna", threshold)), BASIS, target_fpir=0.01)
    assert (decision.decision, decision.subject) == ("match", "anna")
    assert (decision.score, decision.threshold) == (threshold, threshold)
    assert decision.candidates == (candidate("anna", threshold),)


def test_a_score_below_the_threshold_is_unknown_but_its_candidates_are_told() -> None:
    decision = decide(result(candidate("anna", 0.49)), BASIS, target_fpir=0.01)
    assert (decision.decision, decision.subject, decision.score) == ("unknown", None, 0.49)
    assert decision.candidates[0].subject == "anna"


def test_a_larger_gallery_and_a_stricter_rate_both_raise_the_threshold() -> None:
    def threshold(gallery_size: int, target_fpir: float) -> float:
        found = result(candidate("anna", 0.6), gallery_size=gallery_size)
        return decide(found, BASIS, target_fpir=target_fpir).threshold

    assert threshold(1, 0.01) < threshold(100, 0.01)
    assert threshold(1, 0.01) < threshold(1, 0.001)


def test_where_everybody_looks_alike_a_match_must_look_more_alike() -> None:
    """The same score is a match among people who are unlike the probe, and none among its kind."""
    for mean, expected in ((0.0, "match"), (0.4, "unknown")):
        found = replace(result(candidate("anna", 0.6)), cohort=Cohort(mean, 9))
        assert decide(found, BASIS, target_fpir=0.01).decision == expected


def test_nobody_is_known_in_an_empty_gallery() -> None:
    decision = decide(result(gallery_size=0), BASIS, target_fpir=0.01)
    assert (decision.decision, decision.subject, decision.score) == ("unknown", None, None)
    assert decision.gallery_size == 0


@pytest.mark.parametrize(("score", "expected"), [(0.7, "match"), (0.69, "no-match")])
def test_a_claim_is_accepted_from_the_threshold_on(score: float, expected: str) -> None:
    compared = Comparison("anna", "Anna", score, "walk", 3)
    verification = decide_verification(compared, BASIS, target_fmr=0.001)
    assert (verification.decision, verification.subject) == (expected, "anna")
    assert verification.threshold == pytest.approx(0.7)


def test_a_claim_to_a_subject_without_walks_is_never_accepted() -> None:
    compared = Comparison("anna", None, None, None, 0)
    assert decide_verification(compared, BASIS, target_fmr=0.001).decision == "no-match"


def test_duplicates_are_others_who_walk_the_same() -> None:
    found = result(candidate("anna", 0.99), candidate("bert", 0.95), candidate("cora", 0.6))
    duplicates = possible_duplicates(found, BASIS, subject="anna", target_fmr=0.0001)
    assert [each.subject for each in duplicates] == ["bert"]


def measured(subjects: int) -> ThresholdBasis:
    """A gallery of so many subjects was measured, and needs thresholds higher by 0.05."""
    higher = tuple(score + 0.05 for score in CURVE.scores)
    own = GalleryCurve(
        replace(CURVE, scores=higher, subjects=subjects, comparisons=7),
        lowest_scores=CURVE.scores,
        highest_scores=tuple(score + 0.1 for score in CURVE.scores),
    )
    calibration = GalleryCalibration(own, ())
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return ThresholdBasis(CURVE, GalleryThresholds("a checkpoint", 3, at, calibration))


def test_a_gallery_that_was_measured_decides_by_its_own_threshold_and_says_so() -> None:
    found = result(candidate("anna", 0.9), gallery_size=20)
    plain = decide(found, BASIS, target_fpir=0.01)
    own = decide(found, measured(20), target_fpir=0.01)

    assert own.threshold == pytest.approx(plain.threshold + 0.05)
    assert plain.threshold_source == ThresholdSource("checkpoint", 10, 100)
    source = own.threshold_source
    assert (source.kind, source.subjects, source.comparisons) == ("gallery", 20, 7)
    assert source.measured_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert (source.lowest, source.highest) == pytest.approx(
        (plain.threshold, plain.threshold + 0.1)
    )


@pytest.mark.parametrize("size", [9, 41])
def test_a_gallery_that_has_doubled_or_halved_since_uses_the_checkpoints_again(size: int) -> None:
    found = result(candidate("anna", 0.9), gallery_size=size)
    decision = decide(found, measured(20), target_fpir=0.01)
    assert decision.threshold == decide(found, BASIS, target_fpir=0.01).threshold
    assert decision.threshold_source == ThresholdSource("checkpoint", 10, 100, out_of_date=True)


def test_claims_are_decided_by_the_gallerys_own_threshold_too() -> None:
    compared = Comparison("anna", "Anna", 0.72, "walk", 3, cohort=Cohort(0.0, 19))
    by_checkpoint = decide_verification(compared, BASIS, target_fmr=0.001)
    by_gallery = decide_verification(compared, measured(20), target_fmr=0.001)
    assert (by_checkpoint.decision, by_gallery.decision) == ("match", "no-match")
    assert by_gallery.threshold_source.kind == "gallery"
