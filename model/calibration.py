"""From a wanted error rate to a score threshold: the false-match curve that a checkpoint
carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

HIGHEST_SCORE = 1.0  # cosine similarity of a vector with itself
PRIOR_SUBJECTS = 1.0  # that the usual level counts as beside a cohort
HIGHEST_LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class Cohort:
    """How alike a probe is to people it is not: the rest of the gallery.

    One camera and one segmenter make all walks look somewhat alike, and more so to a network
    trained on others' masks. The rest of a gallery shows by how much (test normalisation,
    Auckenthaler, Carey and Lloyd-Thomas 2000).

    Attributes:
        mean: of the probe's cosines with all their templates.
        subjects: how many people they are.
    """

    mean: float
    subjects: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often a stranger's walk reaches a score against ONE enrolled subject.

    The curve's scores are cosines from which the level common to all walks was taken:
    (cosine − level) / (1 − level)^level_exponent.

    Attributes:
        false_match_rates: falling, each in (0, 1).
        scores: rising; `scores[i]` is exceeded by the share `false_match_rates[i]` of strangers.
        source: what the curve was measured on, in words.
        subjects: people it was measured on.
        comparisons: probe-against-subject comparisons it was measured on.
        gallery_exponent: a gallery of S subjects counts as S to this power independent ones, in
            (0, 1]: a stranger who resembles one subject resembles others too.
        usual_level: assumed where a probe has no cohort to tell.
        level_exponent: how strongly scores draw together when the level rises, at most 1: what two
            vectors with a common part do at least is (1 − level).
    """

    false_match_rates: tuple[float, ...]
    scores: tuple[float, ...]
    source: str
    subjects: int
    comparisons: int
    gallery_exponent: float = 1.0
    usual_level: float = 0.0
    level_exponent: float = 1.0

    def __post_init__(self) -> None:
        """Checks that the curve is one."""
        rates, scores = np.asarray(self.false_match_rates), np.asarray(self.scores)
        if rates.size < 2 or rates.shape != scores.shape:
            msg = "a calibration needs as many scores as rates, and two at least"
            raise ValueError(msg)
        if np.any(np.diff(rates) >= 0) or np.any(np.diff(scores) < 0) or not rates.min() > 0:
            msg = "false-match rates must fall and scores must rise"
            raise ValueError(msg)
        if not 0.0 < self.gallery_exponent <= 1.0:
            msg = f"the gallery exponent must lie between 0 and 1, not {self.gallery_exponent}"
            raise ValueError(msg)

    def threshold(
        self, *, target_fpir: float, gallery_size: int, cohort: Cohort | None = None
    ) -> float:
        """The score a stranger reaches with probability `target_fpir` in a gallery of this size.

        A stranger meets N subjects, so FPIR = 1 − (1 − FMR)^N if the comparisons are independent
        (ISO/IEC 19795-1:2021, open-set identification). They are not quite: N to the power of
        `gallery_exponent` takes its place.

        Args:
            target_fpir: wanted false-positive identification rate, in (0, 1).
            gallery_size: enrolled subjects; 0 counts as 1.
            cohort: of the probe; None where nobody else is enrolled.

        Returns:
            A cosine score; a candidate at or above it is a match.
        """
        cohort = cohort or Cohort(0.0, 0)
        (threshold,) = self.thresholds(
            target_fpir=target_fpir,
            gallery_sizes=[gallery_size],
            cohort_means=[cohort.mean],
            cohort_sizes=[cohort.subjects],
        )
        return float(threshold)

    def thresholds(
        self,
        *,
        target_fpir: float,
        gallery_sizes: ArrayLike,
        cohort_means: ArrayLike,
        cohort_sizes: ArrayLike,
    ) -> NDArray[np.float64]:
        """The same for many probes at once: all arrays are (P,), means nan without a cohort."""
        _check_rate("target_fpir", target_fpir)
        sizes_p = np.maximum(np.asarray(gallery_sizes, dtype=np.float64), 1.0)
        rates_p = -np.expm1(np.log1p(-target_fpir) / sizes_p**self.gallery_exponent)
        return self._cosines(self._scores_at(rates_p), self.levels(cohort_means, cohort_sizes))

    def verification_threshold(self, *, target_fmr: float, cohort: Cohort | None = None) -> float:
        """The score a stranger reaches against one claimed subject with probability
        `target_fmr`."""
        _check_rate("target_fmr", target_fmr)
        cohort = cohort or Cohort(0.0, 0)
        level = self.levels(cohort.mean, cohort.subjects)
        return float(self._cosines(self._scores_at(np.asarray(target_fmr)), level))

    def levels(self, means: ArrayLike, subjects: ArrayLike) -> NDArray[np.float64]:
        """The level common to all walks, estimated from cohorts, 0 to `HIGHEST_LEVEL`.

        Args:
            means: of each cohort; nan where it is empty.
            subjects: how many people each has.
        """
        counts = np.asarray(subjects, dtype=np.float64)
        sums = np.where(counts > 0, np.nan_to_num(np.asarray(means, dtype=np.float64)) * counts, 0)
        shrunk = (sums + PRIOR_SUBJECTS * self.usual_level) / (counts + PRIOR_SUBJECTS)
        levels: NDArray[np.float64] = np.clip(shrunk, 0.0, HIGHEST_LEVEL)
        return levels

    def normalised(
        self, cosines: NDArray[np.floating], levels: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Cosines on the curve's scale."""
        scores: NDArray[np.float64] = (cosines - levels) / (1.0 - levels) ** self.level_exponent
        return scores

    def _cosines(
        self, scores: NDArray[np.float64], levels: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        cosines = levels + (1.0 - levels) ** self.level_exponent * scores
        return np.minimum(cosines, HIGHEST_SCORE)

    def false_match_rate(self, score: float) -> float:
        """The share of strangers that reaches this normalised score against one subject."""
        logs = np.interp(score, self.scores, np.log(self.false_match_rates))
        return float(np.exp(logs))

    def _scores_at(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear in the logarithm of the rate; beyond the curve its last score holds."""
        logs = np.log(self.false_match_rates)[::-1]  # np.interp wants rising abscissae
        return np.asarray(np.interp(np.log(rates), logs, np.asarray(self.scores)[::-1]))


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 < rate < 1.0:
        msg = f"{name} must lie between 0 and 1, not {rate}"
        raise ValueError(msg)
