"""How sure a figure is: bootstrap over people.

The walks of one person resemble each other, so a walk is not an independent trial and a person is
(ISO/IEC 19795-1:2021 asks for uncertainty that respects this; Bolle, Ratha and Pankanti 2004 call
it the subset bootstrap). Every resample therefore draws people with replacement, and all of a
person's walks come along. What it does not tell is how the figure would change with other
conditions than those recorded.

Shape letters: R resamples, S subjects, C cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95  # share of the resamples inside an interval
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure, how sure it is, and what it rests on.

    Attributes:
        value: 0 to 1; nan where nothing could be measured.
        low: of the 95 % interval.
        high: the same.
        people: who were resampled.
        comparisons: trials counted: probes in identification, pairs in verification, walks in
            enrolment.
    """

    value: float
    low: float
    high: float
    people: int
    comparisons: int

    @property
    def complement(self) -> Estimate:
        """The same of one minus the figure, for example FNIR of TPIR."""
        return Estimate(
            1.0 - self.value, 1.0 - self.high, 1.0 - self.low, self.people, self.comparisons
        )


NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0, 0)


def draw_people(people: int, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.int64]:
    """(R, S) how often each person is drawn in each resample; every row sums to S."""
    rng = np.random.default_rng(seed)
    drawn_rs: NDArray[np.int64] = rng.multinomial(
        people, np.full(people, 1.0 / people), size=resamples
    )
    return drawn_rs


def interval(
    resampled_r: NDArray[np.float64], people: int, *, level: float = LEVEL
) -> tuple[float, float]:
    """The percentile interval of a resampled rate, from 0 to 1.

    Where every resample gives exactly 0 or exactly 1, resampling knows nothing of the errors that
    so few people cannot show. The open end is then the exact one-sided binomial bound with people
    as trials, 1 − (1 − level)^(1/S): for many people the "rule of three", 3/S, of ISO/IEC 19795-1.

    Args:
        resampled_r: (R,) the figure in every resample; nan where it could not be told.
        people: S, who were resampled.
        level: share inside.
    """
    known_r = resampled_r[~np.isnan(resampled_r)]
    if known_r.size == 0:
        return float("nan"), float("nan")
    unseen = 1.0 - (1.0 - level) ** (1.0 / people)
    if np.all(known_r == 0.0):
        return 0.0, unseen
    if np.all(known_r == 1.0):
        return 1.0 - unseen, 1.0
    return percentiles(known_r, level=level)


def percentiles(resampled_r: NDArray[np.float64], *, level: float = LEVEL) -> tuple[float, float]:
    """Between which values the middle of the resamples lies: of a figure that is no rate, such as
    the difference of two.

    Args:
        resampled_r: (R,) the figure in every resample; nan where it could not be told.
        level: share inside.
    """
    known_r = resampled_r[~np.isnan(resampled_r)]
    if known_r.size == 0:
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(known_r, [tail, 1.0 - tail])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class SubjectMean:
    """A mean over trials, kept by person so that its uncertainty can be told.

    Its value is the mean over the cells of each cell's mean over trials.

    Attributes:
        sums_sc: (S, C) what the trials of each person in each cell add up to, each 0 to 1.
        counts_sc: (S, C) trials of each person in each cell.
    """

    sums_sc: NDArray[np.float64]
    counts_sc: NDArray[np.float64]

    @property
    def by_cell_c(self) -> NDArray[np.float64]:
        """(C,) the mean of each cell, nan for a cell without trials."""
        return _share(self.sums_sc.sum(axis=0), self.counts_sc.sum(axis=0))

    @property
    def value(self) -> float:
        """The mean over the cells that have trials; nan if none has."""
        return float(mean_of_known(self.by_cell_c, axis=0))

    def estimate(
        self, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
    ) -> Estimate:
        """The value with its interval. Only the people of the trials are resampled: what they were
        compared with, the gallery, stays.

        Args:
            level: share of the resamples inside the interval.
            resamples: how many times people are drawn with replacement.
            seed: of the draws.
        """
        tried = np.flatnonzero(self.counts_sc.any(axis=1))
        if tried.size == 0:
            return NOTHING
        drawn_rs = draw_people(tried.size, resamples=resamples, seed=seed)
        means_rc = _share(drawn_rs @ self.sums_sc[tried], drawn_rs @ self.counts_sc[tried])
        low, high = interval(mean_of_known(means_rc, axis=1), tried.size, level=level)
        return Estimate(self.value, low, high, tried.size, round(float(self.counts_sc.sum())))


def _share(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.full(np.shape(sums), np.nan)
    np.divide(sums, counts, out=shares, where=counts > 0)
    return shares


def mean_of_known(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """The mean along an axis of what is not nan; nan where all is."""
    known = ~np.isnan(values)
    totals = np.where(known, values, 0.0).sum(axis=axis)
    return _share(totals, known.sum(axis=axis).astype(np.float64))
