"""From a wanted error rate to a score threshold: the false-match curve that a checkpoint
carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HIGHEST_SCORE = 1.0  # cosine similarity of a vector with itself


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often a stranger's walk reaches a score against ONE enrolled subject.

    Attributes:
        false_match_rates: falling, each in (0, 1).
        scores: rising; `scores[i]` is exceeded by the share `false_match_rates[i]` of strangers.
        source: what the curve was measured on, in words.
        subjects: people it was measured on.
        comparisons: probe-against-subject comparisons it was measured on.
        gallery_exponent: a gallery of S subjects counts as S to this power independent ones, in
            (0, 1]: a stranger who resembles one subject resembles others too.
    """

    false_match_rates: tuple[float, ...]
    scores: tuple[float, ...]
    source: str
    subjects: int
    comparisons: int
    gallery_exponent: float = 1.0

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

    def threshold(self, *, target_fpir: float, gallery_size: int) -> float:
        """The score a stranger reaches with probability `target_fpir` in a gallery of this size.

        A stranger meets N subjects, so FPIR = 1 − (1 − FMR)^N if the comparisons are independent
        (ISO/IEC 19795-1:2021, open-set identification). They are not quite: N to the power of
        `gallery_exponent` takes its place.

        Args:
            target_fpir: wanted false-positive identification rate, in (0, 1).
            gallery_size: enrolled subjects; 0 counts as 1.

        Returns:
            A cosine score; a candidate at or above it is a match.
        """
        _check_rate("target_fpir", target_fpir)
        independent = float(max(gallery_size, 1)) ** self.gallery_exponent
        rate = -np.expm1(np.log1p(-target_fpir) / independent)
        return self._score_at(float(rate))

    def verification_threshold(self, *, target_fmr: float) -> float:
        """The score a stranger reaches against one claimed subject with probability
        `target_fmr`."""
        _check_rate("target_fmr", target_fmr)
        return self._score_at(target_fmr)

    def false_match_rate(self, score: float) -> float:
        """The share of strangers that reaches this score against one subject (read off the
        curve)."""
        logs = np.interp(score, self.scores, np.log(self.false_match_rates))
        return float(np.exp(logs))

    def _score_at(self, rate: float) -> float:
        """Linear in the logarithm of the rate; beyond the curve its last score holds."""
        logs = np.log(self.false_match_rates)[::-1]  # np.interp wants rising abscissae
        score = np.interp(np.log(rate), logs, np.asarray(self.scores)[::-1])
        return float(min(score, HIGHEST_SCORE))


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 < rate < 1.0:
        msg = f"{name} must lie between 0 and 1, not {rate}"
        raise ValueError(msg)
