"""The distribution of strangers' best scores is the one that a threshold is read off."""

from __future__ import annotations

from app.search import SearchResult, ThresholdBasis
from app.search.strangers import strangers
from model.calibration import Calibration, Cohort

_BASIS = ThresholdBasis(
    Calibration(
        false_match_rates=(0.5, 0.1, 0.01, 0.001),
        scores=(0.2, 0.4, 0.6, 0.8),
        source="a test",
        subjects=100,
        comparisons=1000,
    )
)


def _points(gallery_size: int, mean: float = 0.0) -> list[tuple[float, float]]:
    result = SearchResult((), gallery_size, 1, Cohort(mean, 50))
    return [(each.score, each.share) for each in strangers(result, _BASIS)]


def test_each_share_stands_at_its_own_threshold() -> None:
    result = SearchResult((), 12, 1, Cohort(0.1, 50))
    for score, share in _points(12, 0.1):
        threshold = _BASIS.identification(
            target_fpir=share, gallery_size=12, cohort=result.cohort
        ).value
        assert score == threshold


def test_scores_rise_while_shares_fall() -> None:
    points = _points(12)
    assert points == sorted(points)
    assert [share for _, share in points] == sorted((share for _, share in points), reverse=True)


def test_what_was_not_measured_is_not_drawn() -> None:
    """Of a gallery of one, half of all strangers score somewhere below the curve."""
    points = _points(1)
    scores = [score for score, _ in points]
    assert 0.2 < scores[0] < 0.25
    assert 0.75 < scores[-1] < 0.8
    assert len(set(scores)) == len(scores)
    assert all(0.001 < share < 0.5 for _, share in points)


def test_strangers_score_higher_where_more_people_are_enrolled_or_all_walks_look_alike() -> None:
    def median(points: list[tuple[float, float]]) -> float:
        return next(score for score, share in points if share <= 0.5)

    assert median(_points(100)) > median(_points(10)) > median(_points(1))
    assert median(_points(10, mean=0.3)) > median(_points(10))


def test_nobody_is_compared_with_in_an_empty_gallery() -> None:
    assert _points(0) == []
