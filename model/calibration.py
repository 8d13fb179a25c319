"""From a wanted error rate to a score threshold: the false-match curve that a checkpoint
carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

HIGHEST_SCORE = 1.0  # cosine similarity of a vector with itself
PRIOR_SUBJECTS = 1.0  # that the usual level counts as beside a cohort
PRIOR_SCORES = 10.0  # that the usual spread counts as
SPREAD_EXPONENT = 0.5  # with which a cohort's deviation counts: docs/decisions/0022-spreads.md
LEAST_SPREAD = 0.8  # of the usual deviation: less is a probe that is unlike everybody
HIGHEST_LEVEL = 0.9
HIGHEST_ON_SCALE = 100.0  # of a curve's scores: beyond every cosine, whatever its scale


@dataclass(frozen=True, slots=True)
class ScoreSpread:
    """How the scores of a cohort lie.

    Attributes:
        rise: of their mean above the mean of the cosines with all templates: the best of several.
        deviation: their standard deviation.
    """

    rise: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Cohort:
    """How alike a probe is to people it is not: the rest of the gallery.

    One camera and one segmenter make all walks look somewhat alike, and more so to a network
    trained on others' masks; and what is seen of a walk from one side tells people apart better
    than from another. The rest of a gallery shows by how much (test normalisation, Auckenthaler,
    Carey and Lloyd-Thomas 2000).

    Attributes:
        mean: of the probe's cosines with all their templates.
        subjects: how many people they are.
        scores: of these people, each one's the best of their templates; None where these were not
            measured.
    """

    mean: float
    subjects: int
    scores: ScoreSpread | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike everybody looks to some probes, as estimated from their cohorts.

    Attributes:
        level: cosine that strangers' scores lie around.
        scale: by how much more or less than on the curve's scale they lie apart.
    """

    level: NDArray[np.float64]
    scale: NDArray[np.float64]

    def __getitem__(self, place: Any) -> Likeness:
        """That of some of the probes, or with axes added, as an array is indexed."""
        return Likeness(self.level[place], self.scale[place])


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often a stranger's walk reaches a score against ONE enrolled subject.

    The curve's scores are cosines from which the level common to all walks was taken, in units of
    how far strangers usually lie apart: (cosine − level) / scale.

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
        usual_spread: of the cohorts of the people whom the curve was measured on; None of a curve
            that does not know how their scores lay.
    """

    false_match_rates: tuple[float, ...]
    scores: tuple[float, ...]
    source: str
    subjects: int
    comparisons: int
    gallery_exponent: float = 1.0
    usual_level: float = 0.0
    level_exponent: float = 1.0
    usual_spread: ScoreSpread | None = None

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
        if self.usual_spread is not None and not self.usual_spread.deviation > 0.0:
            msg = (
                f"the usual deviation must be more than nothing, not {self.usual_spread.deviation}"
            )
            raise ValueError(msg)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Calibration:
        """What `dataclasses.asdict` gave, once it has been JSON; what was not known then is as by
        default."""
        known = dict(plain)
        for name in ("false_match_rates", "scores"):
            known[name] = tuple(known[name])
        if (usual := known.get("usual_spread")) is not None:
            known["usual_spread"] = ScoreSpread(**usual)
        return cls(**known)

    def without_spread(self) -> Calibration:
        """The same thresholds for cohorts whose scores are not measured, and these only."""
        if self.usual_spread is None:
            return self
        scores = tuple(score + self.usual_spread.rise for score in self.scores)
        return replace(self, scores=scores, usual_spread=None)

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
            cohort_scores=_scores_of(cohort),
        )
        return float(threshold)

    def thresholds(
        self,
        *,
        target_fpir: float,
        gallery_sizes: ArrayLike,
        cohort_means: ArrayLike,
        cohort_sizes: ArrayLike,
        cohort_scores: tuple[ArrayLike, ArrayLike],
    ) -> NDArray[np.float64]:
        """The same for many probes at once: all arrays are (P,), nan without a cohort. Of the
        scores there are two, rises and deviations, see `ScoreSpread`."""
        _check_rate("target_fpir", target_fpir)
        sizes_p = np.maximum(np.asarray(gallery_sizes, dtype=np.float64), 1.0)
        rates_p = -np.expm1(np.log1p(-target_fpir) / sizes_p**self.gallery_exponent)
        likeness = self.likeness(cohort_means, cohort_sizes, cohort_scores)
        return self._cosines(self._scores_at(rates_p), likeness)

    def verification_threshold(self, *, target_fmr: float, cohort: Cohort | None = None) -> float:
        """The score a stranger reaches against one claimed subject with probability
        `target_fmr`."""
        _check_rate("target_fmr", target_fmr)
        cohort = cohort or Cohort(0.0, 0)
        likeness = self.likeness(cohort.mean, cohort.subjects, _scores_of(cohort))
        return float(self._cosines(self._scores_at(np.asarray(target_fmr)), likeness))

    def likeness(
        self, means: ArrayLike, subjects: ArrayLike, scores: tuple[ArrayLike, ArrayLike]
    ) -> Likeness:
        """How alike everybody looks to probes, told by their cohorts.

        Small cohorts count beside what is usual: `usual_level`, and the spread that scores of the
        curve's people would have above this level.

        Args:
            means: of each cohort; nan where it is empty.
            subjects: how many people each has.
            scores: rises and deviations, see `ScoreSpread`; nan where they were not measured.
        """
        counts = np.asarray(subjects, dtype=np.float64)
        sums = np.where(counts > 0, np.nan_to_num(np.asarray(means, dtype=np.float64)) * counts, 0)
        shrunk = (sums + PRIOR_SUBJECTS * self.usual_level) / (counts + PRIOR_SUBJECTS)
        levels: NDArray[np.float64] = np.clip(shrunk, 0.0, HIGHEST_LEVEL)
        usual: NDArray[np.float64] = (1.0 - levels) ** self.level_exponent
        if self.usual_spread is None:
            return Likeness(levels, usual)
        rises, deviations = (np.asarray(part, dtype=np.float64) for part in scores)
        told = np.where(np.isnan(deviations), 0.0, counts)
        rise = told * np.nan_to_num(rises) + PRIOR_SCORES * self.usual_spread.rise * usual
        square = told * (np.nan_to_num(deviations) / (self.usual_spread.deviation * usual)) ** 2
        # The mean, from which they deviate, is the cohort's own: one score less is free.
        freedom = np.maximum(told - 1.0, 0.0) + PRIOR_SCORES
        relative = np.maximum(np.sqrt((square + PRIOR_SCORES) / freedom), LEAST_SPREAD)
        return Likeness(levels + rise / (told + PRIOR_SCORES), usual * relative**SPREAD_EXPONENT)

    def normalised(self, cosines: NDArray[np.floating], likeness: Likeness) -> NDArray[np.float64]:
        """Cosines on the curve's scale."""
        scores: NDArray[np.float64] = (cosines - likeness.level) / likeness.scale
        return scores

    def _cosines(self, scores: NDArray[np.float64], likeness: Likeness) -> NDArray[np.float64]:
        return np.minimum(likeness.level + likeness.scale * scores, HIGHEST_SCORE)

    def false_match_rate(self, score: float) -> float:
        """The share of strangers that reaches this normalised score against one subject."""
        logs = np.interp(score, self.scores, np.log(self.false_match_rates))
        return float(np.exp(logs))

    def _scores_at(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear in the logarithm of the rate; beyond the curve its last score holds."""
        logs = np.log(self.false_match_rates)[::-1]  # np.interp wants rising abscissae
        return np.asarray(np.interp(np.log(rates), logs, np.asarray(self.scores)[::-1]))


def _scores_of(cohort: Cohort) -> tuple[float, float]:
    if cohort.scores is None:
        return float("nan"), float("nan")
    return cohort.scores.rise, cohort.scores.deviation


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 < rate < 1.0:
        msg = f"{name} must lie between 0 and 1, not {rate}"
        raise ValueError(msg)
