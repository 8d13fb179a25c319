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
    """What a walk lacks, by name; all 0 or greater, about 1 where it begins to show."""
    rate = evidence.frames_per_second
    return {
        "small": _between(log2(128.0 / max(evidence.height_pixels, 1.0)), 3.5),
        "short": _between(log2(100.0 / max(evidence.frames_used, 1)), 3.0),
        "few-cycles": _between(3.0 - evidence.cycles, 2.0),
        "incomplete": _between(1.0 - evidence.completeness, 1.0),
        "vague-period": _between(1.2 - evidence.period_sharpness, 1.2),
        "cut": _between(evidence.cut_share, 1.0),
        "slow-frames": _between(log2(25.0 / rate), 2.0) if rate else 0.0,
        "flicker": _between(log2(max(evidence.flicker, 0.01) / 0.03), 4.0),
        "height-jitter": _between(log2(1.0 + evidence.height_jitter / 0.01), 5.0),
        "pieces": _between(log2(max(evidence.pieces, 1.0)), 3.0),
        "holes": _between(evidence.holes / 0.05, 4.0),
        "wide-head": _between((evidence.head_width - 0.13) / 0.03, 5.0),
        "no-neck": _between((evidence.head_width / evidence.trunk_width - 0.6) / 0.1, 5.0),
        "wide-legs": _between((evidence.leg_width - 0.20) / 0.05, 6.0),
        "heavy-below": _between((evidence.lower_share - 0.53) / 0.05, 4.0),
        "light-below": _between((0.43 - evidence.lower_share) / 0.05, 4.0),
        "legs-move-little": _between((0.35 - evidence.leg_motion) / 0.1, 4.0),
        "trunk-moves": _between((evidence.trunk_motion - 0.10) / 0.1, 4.0),
        "thick": _between((evidence.fullness - 0.22) / 0.04, 6.0),
        "thin": _between((0.19 - evidence.fullness) / 0.04, 4.0),
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
    bias=3.77,
    weights={
        "small": 0.33,
        "short": 0.01,
        "few-cycles": 0.22,
        "incomplete": 0.29,
        "vague-period": 1.53,
        "cut": 0.0,
        "slow-frames": 0.32,
        "flicker": 0.0,
        "height-jitter": 0.21,
        "pieces": 0.14,
        "holes": 0.0,
        "wide-head": 0.35,
        "no-neck": 0.0,
        "wide-legs": 0.0,
        "heavy-below": 0.67,
        "light-below": 0.35,
        "legs-move-little": 0.33,
        "trunk-moves": 0.19,
        "thick": 1.02,
        "thin": 0.0,
        "stands": 0.41,
    },
)

GOOD_FROM = 0.8
"""Scores from here up are "good"."""
POOR_BELOW = 0.48
"""Scores below are "poor": half of what good walks reach."""


def level_of(score: float) -> Level:
    """The score in a word."""
    if score < POOR_BELOW:
        return "poor"
    return "good" if score >= GOOD_FROM else "fair"
