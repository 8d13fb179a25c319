"""The weights of the capture score, from trials; and how well a score orders trials.

Shape letters: N trials, K shortcomings, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata, spearmanr

from model.bootstrap import draw_people
from model.judgement_score import QualityModel, shortcomings
from tests.benchmarks.quality_trials import Trial, Trials

Floats = NDArray[np.float64]

_RIDGE = 1e-3  # keeps weights of shortcomings that come together from running apart
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well a score predicts recognition.

    Attributes:
        auc: chance that a recognised walk scores higher than one that is not.
        auc_interval: 95 %, people resampled.
        with_recognised: Spearman's rank correlation of the score with being recognised.
        with_genuine: the same with the genuine score.
        with_margin: the same with the margin to the best impostor.
        margin_interval: 95 % of `with_margin`, people resampled.
    """

    auc: float
    auc_interval: tuple[float, float]
    with_recognised: float
    with_genuine: float
    with_margin: float
    margin_interval: tuple[float, float]


def fit_quality(trials: Sequence[Trial]) -> QualityModel:
    """Logistic regression of recognition on shortcomings, with no weight below zero."""
    names = tuple(shortcomings(trials[0].evidence))
    lacks_nk = np.array([list(shortcomings(one.evidence).values()) for one in trials])
    sign_n = np.where([one.recognised for one in trials], 1.0, -1.0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margin_n = sign_n * (parameters[0] - lacks_nk @ parameters[1:])
        slope_n = -sign_n / (1.0 + np.exp(margin_n)) / len(sign_n)
        gradient = np.concatenate(([slope_n.sum()], -(slope_n @ lacks_nk)))
        gradient[1:] += 2.0 * _RIDGE * parameters[1:]
        value = np.logaddexp(0.0, -margin_n).mean() + _RIDGE * np.square(parameters[1:]).sum()
        return float(value), gradient

    found = minimize(
        loss,
        np.concatenate(([2.0], np.full(len(names), 0.1))),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), *[(0.0, None)] * len(names)],
    )
    weights = [round(float(weight), 2) for weight in found.x[1:]]
    return QualityModel(round(float(found.x[0]), 2), dict(zip(names, weights, strict=True)))


def predict(score_n: Floats, trials: Trials) -> Prediction:
    """Compares a score with what became of each trial."""
    recognised_n = np.array([one.recognised for one in trials.tried])
    margin_n = np.array([one.margin for one in trials.tried])
    genuine_n = np.array([one.genuine for one in trials.tried])
    person_n = np.array([one.person for one in trials.tried])
    of_person = [np.flatnonzero(person_n == person) for person in range(trials.people)]
    aucs, correlations = [], []
    for drawn in draw_people(trials.people, resamples=_RESAMPLES):
        picked = np.concatenate([np.tile(of_person[p], n) for p, n in enumerate(drawn) if n])
        aucs.append(_auc(score_n[picked], recognised_n[picked]))
        correlations.append(_spearman(score_n[picked], margin_n[picked]))
    return Prediction(
        auc=_auc(score_n, recognised_n),
        auc_interval=_interval(aucs),
        with_recognised=_spearman(score_n, recognised_n.astype(float)),
        with_genuine=_spearman(score_n, genuine_n),
        with_margin=_spearman(score_n, margin_n),
        margin_interval=_interval(correlations),
    )


def _auc(score_n: Floats, positive_n: NDArray[np.bool_]) -> float:
    rank_n = rankdata(score_n)
    positives = int(positive_n.sum())
    above = rank_n[positive_n].sum() - positives * (positives + 1) / 2.0
    return float(above / (positives * (len(score_n) - positives)))


def _spearman(one_n: Floats, other_n: Floats) -> float:
    return float(spearmanr(one_n, other_n).statistic)


def _interval(resampled: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return float(low), float(high)
