"""The chance that a walk is recognised, from what it shows of its own quality.

A logistic model over shortcomings: each is 0 where more of the same would not help any more, and
grows as the capture gets worse. No weight is negative, so a walk that is worse in one respect and
equal in all others never scores higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log2
from typing import Literal

from model.judgement_evidence import WalkEvidence

Level = Literal["good", "fair", "poor"]


def shortcomings(evidence: WalkEvidence) -> dict[str, float]:
    """What a walk lacks, by name; all 0 or greater, about 1 where it begins to show.

    The number of frames and cycles, frames that were lost, flicker, holes and cuts by the border
    were tried too and predict nothing beyond these: the energy image is made of whole frames of
    whole cycles, and one cycle is nearly as good as two.
    """
    rate = evidence.frames_per_second
    return {
        "small": _between(log2(128.0 / max(evidence.height_pixels, 1.0)), 3.5),
        "vague-period": _between(1.2 - evidence.period_sharpness, 1.2),
        "slow-frames": _between(log2(25.0 / rate), 2.0) if rate else 0.0,
        "height-jitter": _between(log2(1.0 + evidence.height_jitter / 0.01), 5.0),
        "pieces": _between(log2(max(evidence.pieces, 1.0)), 3.0),
        "wide-head": _between((evidence.head_width - 0.13) / 0.03, 5.0),
        "heavy-below": _between((evidence.lower_share - 0.53) / 0.05, 4.0),
        "light-below": _between((0.43 - evidence.lower_share) / 0.05, 4.0),
        "legs-move-little": _between((0.35 - evidence.leg_motion) / 0.1, 4.0),
        "trunk-moves": _between((evidence.trunk_motion - 0.10) / 0.1, 4.0),
        "thick": _between((evidence.fullness - 0.22) / 0.04, 6.0),
        "stands": _between(evidence.still_share / 0.2, 4.0),
    }


def _between(value: float, highest: float) -> float:
    return min(max(value, 0.0), highest)


@dataclass(frozen=True, slots=True)
class QualityModel:
    """A logistic model, fitted by `python -m tests.benchmarks.bench_quality`.

    Attributes:
        bias: log odds of a walk that lacks nothing.
        weights: what each shortcoming takes from the log odds, by name; none is negative.
    """

    bias: float
    weights: dict[str, float]

    def score(self, evidence: WalkEvidence) -> float:
        """Chance, 0 to 1, that the right person ranks first among 200 who were enrolled well."""
        lacks = shortcomings(evidence)
        log_odds = self.bias - sum(self.weights[name] * lack for name, lack in lacks.items())
        return 1.0 / (1.0 + exp(-log_odds))


FITTED = QualityModel(
    bias=3.28,
    weights={
        "small": 0.33,
        "vague-period": 1.11,
        "slow-frames": 0.07,
        "height-jitter": 0.18,
        "pieces": 0.24,
        "wide-head": 0.61,
        "heavy-below": 0.35,
        "light-below": 0.18,
        "legs-move-little": 0.3,
        "trunk-moves": 0.16,
        "thick": 1.04,
        "stands": 0.37,
    },
)
"""Of 2026-11-25: `make bench-quality`, 1,874 walks of 200 generated people."""

GOOD_FROM = 0.8
"""Scores from here up are "good": 92 % of such walks were recognised, of clean captures 97 %."""
POOR_BELOW = 0.6
"""Scores below are "poor": of walks from 0.48 to 0.60, 39 % were recognised, less than half of what
clean captures reach; of walks from 0.60 to 0.70, 59 %."""


def level_of(score: float) -> Level:
    """The score in a word."""
    if score < POOR_BELOW:
        return "poor"
    return "good" if score >= GOOD_FROM else "fair"
