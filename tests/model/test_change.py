"""What one encoder gains over another, and the verdict that is drawn from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.change import Change, eer_change, rank_1_change
from model.finetune_report import FinetuneReport, Verdict
from model.protocols import Cell
from model.scores import cosine_scores

PEOPLE, WALKS = 20, 4
SUBJECT_N = np.repeat(np.arange(PEOPLE), WALKS)
EVERYTHING = Cell(np.ones(len(SUBJECT_N), np.bool_), np.ones(len(SUBJECT_N), np.bool_))


def _scores(noise: float, *, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(N, N) scores of people who are told apart the better the less noise there is."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(PEOPLE, 8))[SUBJECT_N]
    return cosine_scores((vectors + noise * rng.normal(size=vectors.shape)).astype(np.float32))


def test_a_better_encoder_gains_beyond_chance_and_a_worse_one_loses() -> None:
    good, bad = _scores(0.2), _scores(2.0)
    for measure in (
        rank_1_change("rank-1", bad, good, SUBJECT_N, EVERYTHING),
        eer_change("EER", bad, good, SUBJECT_N),
    ):
        assert measure.is_gain
        assert not measure.is_loss
    assert rank_1_change("rank-1", good, bad, SUBJECT_N, EVERYTHING).is_loss
    assert eer_change("EER", good, bad, SUBJECT_N).is_loss


def test_the_same_encoder_gains_nothing() -> None:
    scores = _scores(1.0)
    same = rank_1_change("rank-1", scores, scores, SUBJECT_N, EVERYTHING)
    assert (same.before, same.low, same.high) == (same.after, 0.0, 0.0)
    rates = eer_change("EER", scores, scores, SUBJECT_N)
    assert (rates.before, rates.low, rates.high) == (rates.after, 0.0, 0.0)


def test_a_gain_lies_within_its_interval() -> None:
    change = eer_change("EER", _scores(1.5), _scores(0.8), SUBJECT_N)
    assert change.low < change.before - change.after < change.high
    rank = rank_1_change("rank-1", _scores(1.5), _scores(0.8), SUBJECT_N, EVERYTHING)
    assert rank.low <= rank.after - rank.before <= rank.high


def test_two_people_whose_probes_all_turn_right_gain_everything() -> None:
    """By hand: the walks are known by the second score matrix and taken for the other by the
    first."""
    subject = np.array([0, 0, 1, 1])
    same = (subject[:, None] == subject[None, :]).astype(np.float32)
    cell = Cell(np.ones(4, np.bool_), np.ones(4, np.bool_))
    change = rank_1_change("rank-1", 1.0 - same, same, subject, cell)
    assert (change.before, change.after, change.low, change.high) == (0.0, 1.0, 1.0, 1.0)


def _report(strangers: int, *changes: tuple[float, float]) -> FinetuneReport:
    return FinetuneReport(
        trained_people=20,
        trained_walks=60,
        strangers=strangers,
        refused={},
        on_strangers=tuple(Change("figure", 0.5, 0.6, low, high) for low, high in changes),
        on_kept_back_walks=(),
        on_walkers=(),
        passing_strangers=0.01,
        before="old",
        after="new",
    )


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (_report(12, (0.01, 0.2), (-0.05, 0.1)), "helped"),
        (_report(12, (0.01, 0.2), (-0.2, -0.01)), "did not help"),
        (_report(12, (-0.03, 0.01), (0.0, 0.0)), "did not help"),
        (_report(12, (-0.03, 0.2), (0.0, 0.0)), "too few people to tell"),
        (_report(3, (0.5, 0.6)), "too few people to tell"),
    ],
    ids=["a gain", "a loss beside it", "no gain worth it", "wide interval", "few people"],
)
def test_the_verdict_says_no_more_than_the_people_kept_back_allow(
    report: FinetuneReport, verdict: Verdict
) -> None:
    assert report.verdict == verdict
    assert report.to_json()["verdict"] == verdict


def test_a_figure_that_could_not_be_measured_is_null_and_a_dash() -> None:
    nothing = Change("EER", float("nan"), 0.1, float("nan"), float("nan"), lower_is_better=True)
    report = replace(_report(3), on_walkers=(nothing,))
    assert report.to_json()["on_walkers"] == [
        {
            "name": "EER",
            "before": None,
            "after": 0.1,
            "low": None,
            "high": None,
            "lower_is_better": True,
        }
    ]
    assert [list(column.cells) for column in report.table().columns] == [
        ["generated walkers: EER ↓"],
        ["–"],
        ["0.100"],
        ["–"],
    ]
