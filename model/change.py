"""Two encoders on the same walks: how far apart they are, with an interval over people.

People are resampled, and both encoders are judged on the same resample: what one person's walks do
to both of them drops out of the difference.

Shape letters: N walks, S subjects, P pairs of walks, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.bootstrap import draw_people, percentiles
from model.protocols import Cell
from model.ranking import identify
from model.scores import Scores
from model.verification import verification_eer

RESAMPLES = 500
MOST_PAIRS = 50_000  # of walks, in the interval of an error rate; more would not narrow it


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after.

    Attributes:
        name: what was measured.
        before: 0 to 1; nan where it cannot be measured.
        after: the same.
        low: of the 95 % interval of what was gained (a falling error rate is a gain).
        high: the same.
        lower_is_better: for error rates.
    """

    name: str
    before: float
    after: float
    low: float
    high: float
    lower_is_better: bool = False

    @property
    def is_gain(self) -> bool:
        """Whether chance can be ruled out as the reason for an improvement."""
        return self.low > 0.0

    @property
    def is_loss(self) -> bool:
        """Whether chance can be ruled out as the reason for a worsening."""
        return self.high < 0.0


def rank_1_change(
    name: str, before_nn: Scores, after_nn: Scores, subject_n: NDArray[np.generic], cell: Cell
) -> Change:
    """Rank-1 of the probes of a cell.

    Args:
        name: of the figure.
        before_nn: (N, N) scores of the first encoder.
        after_nn: (N, N) scores of the second.
        subject_n: (N,) who walks.
        cell: probes and gallery.
    """
    before, after = (
        identify(scores_nn, subject_n, [cell]).rank(1) for scores_nn in (before_nn, after_nn)
    )
    probes_s = before.counts_sc.sum(axis=1)
    gained_s = after.sums_sc.sum(axis=1) - before.sums_sc.sum(axis=1)
    asked = probes_s > 0
    if not asked.any():
        return Change(name, before.value, after.value, float("nan"), float("nan"))
    drawn_rs = draw_people(int(asked.sum()), resamples=RESAMPLES)
    gains_r = (drawn_rs @ gained_s[asked]) / (drawn_rs @ probes_s[asked])
    return Change(name, before.value, after.value, *percentiles(gains_r))


def eer_change(
    name: str, before_nn: Scores, after_nn: Scores, subject_n: NDArray[np.generic], *, seed: int = 0
) -> Change:
    """Equal error rate over all pairs of two different walks.

    Args:
        name: of the figure.
        before_nn: (N, N) scores of the first encoder.
        after_nn: (N, N) scores of the second.
        subject_n: (N,) who walks.
        seed: of the pairs that make up the interval where there are too many.
    """
    names, label_n = np.unique(subject_n, return_inverse=True)
    first_p, second_p = np.triu_indices(len(label_n), k=1)
    if first_p.size > MOST_PAIRS:
        some = np.random.default_rng(seed).choice(first_p.size, MOST_PAIRS, replace=False)
        first_p, second_p = first_p[some], second_p[some]
    label_p, other_p = label_n[first_p], label_n[second_p]
    drawn_rs = draw_people(len(names), resamples=RESAMPLES)
    rates = [
        _resampled_eers(scores_nn[first_p, second_p], label_p, other_p, drawn_rs)
        for scores_nn in (before_nn, after_nn)
    ]
    everything_nn = np.ones_like(before_nn, dtype=np.bool_)
    before, after = (
        verification_eer(scores_nn, label_n, everything_nn) for scores_nn in (before_nn, after_nn)
    )
    return Change(name, before, after, *percentiles(rates[0] - rates[1]), lower_is_better=True)


def _resampled_eers(
    scores_p: NDArray[np.float32],
    label_p: NDArray[np.int64],
    other_p: NDArray[np.int64],
    drawn_rs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(R,) equal error rates; a pair counts as often as both its people were drawn."""
    order = np.argsort(scores_p)
    label_p, other_p = label_p[order], other_p[order]
    same_p = label_p == other_p
    rates_r = np.full(len(drawn_rs), np.nan)
    for row, drawn_s in enumerate(drawn_rs):
        genuine_p = np.where(same_p, drawn_s[label_p], 0)
        impostor_p = np.where(same_p, 0, drawn_s[label_p] * drawn_s[other_p])
        genuine, impostors = genuine_p.sum(), impostor_p.sum()
        if genuine == 0 or impostors == 0:
            continue
        missed_p = np.cumsum(genuine_p) / genuine
        passed_p = 1.0 - np.cumsum(impostor_p) / impostors
        crossing = int(np.argmax(missed_p >= passed_p))
        rates_r[row] = (missed_p[crossing] + passed_p[crossing]) / 2.0
    return rates_r
