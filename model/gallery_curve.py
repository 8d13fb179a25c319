"""A gallery's own thresholds, as they are kept and used: three curves and a table of them.

How they are measured is in `impostor_maxima.py` and `gallery_calibration.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.bootstrap import Estimate, SubjectMean
from model.calibration import Calibration, Cohort, ScoreSpread
from model.impostor_maxima import ImpostorMaxima

TARGET_FPIRS = (0.1, 0.01, 0.001)
SERVES_UP_TO = 2.0  # times as many subjects as were measured, or as few


@dataclass(frozen=True, slots=True)
class GalleryCurve:
    """A curve for one gallery, and how sure it is.

    Attributes:
        curve: from error rates to thresholds, as a checkpoint's.
        lowest_scores: the lower ends of the 95 % intervals of the curve's scores.
        highest_scores: the upper ends.
    """

    curve: Calibration
    lowest_scores: tuple[float, ...]
    highest_scores: tuple[float, ...]

    @property
    def lowest(self) -> Calibration:
        """The curve of the lower ends."""
        return replace(self.curve, scores=self.lowest_scores)

    @property
    def highest(self) -> Calibration:
        """The curve of the upper ends."""
        return replace(self.curve, scores=self.highest_scores)

    def serves(self, subjects: int) -> bool:
        """Whether a gallery of so many subjects is still like the one that was measured."""
        ratio = subjects / self.curve.subjects
        return 1.0 / SERVES_UP_TO <= ratio <= SERVES_UP_TO


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """What one target means in a gallery as large as it was when it was measured.

    Attributes:
        target_fpir: share of strangers that may be taken for somebody enrolled.
        threshold: a cosine, for a probe of usual level.
        lowest: of the threshold's 95 % interval.
        highest: the same.
        false_non_match_rate: share of walks that do not reach the threshold with other walks of
            the same subject; None where nobody has several.
    """

    target_fpir: float
    threshold: float
    lowest: float
    highest: float
    false_non_match_rate: Estimate | None


@dataclass(frozen=True, slots=True)
class GalleryCalibration:
    """What one gallery's templates said.

    Attributes:
        own: the curve that decisions use.
        table: for people.
    """

    own: GalleryCurve
    table: tuple[ThresholdRow, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> GalleryCalibration:
        """What `to_json` gave."""
        own = GalleryCurve(
            Calibration.from_json(plain["own"]["curve"]),
            tuple(plain["own"]["lowest_scores"]),
            tuple(plain["own"]["highest_scores"]),
        )
        return cls(own, tuple(_row(row) for row in plain["table"]))


def _row(plain: Mapping[str, Any]) -> ThresholdRow:
    rate = plain["false_non_match_rate"]
    return ThresholdRow(
        **{**plain, "false_non_match_rate": None if rate is None else Estimate(**rate)}
    )


def threshold_table(
    own: GalleryCurve, maxima: ImpostorMaxima, target_fpirs: tuple[float, ...] = TARGET_FPIRS
) -> tuple[ThresholdRow, ...]:
    """Thresholds at usual targets, and how many right walks they keep out.

    A walk meets one template less of its own person than one that comes later will, so the false
    non-match rates err upwards.

    Args:
        own: the gallery's curve.
        maxima: that it was fitted to.
        target_fpirs: the rows.
    """
    strangers = Cohort(
        float(np.median(maxima.cohort_mean_p)),
        maxima.subjects - 1,
        ScoreSpread(*np.median(maxima.cohort_scores_2p, axis=1).tolist()),
    )

    def threshold(curve: Calibration, target_fpir: float) -> float:
        return curve.threshold(
            target_fpir=target_fpir, gallery_size=maxima.subjects, cohort=strangers
        )

    return tuple(
        ThresholdRow(
            target_fpir=target,
            threshold=threshold(own.curve, target),
            lowest=threshold(own.lowest, target),
            highest=threshold(own.highest, target),
            false_non_match_rate=_false_non_matches(own.curve, maxima, target),
        )
        for target in target_fpirs
    )


def _false_non_matches(
    curve: Calibration, maxima: ImpostorMaxima, target_fpir: float
) -> Estimate | None:
    tried_p: NDArray[np.bool_] = np.isfinite(maxima.genuine_p)
    if not tried_p.any():
        return None
    thresholds_p = curve.thresholds(
        target_fpir=target_fpir,
        gallery_sizes=np.full(len(tried_p), maxima.subjects),
        cohort_means=maxima.others_mean_p,
        cohort_sizes=np.full(len(tried_p), maxima.subjects - 1),
        cohort_scores=tuple(maxima.others_scores_2p),
    )
    refused_p = (maxima.genuine_p < thresholds_p) & tried_p
    refused_s1, tried_s1 = (
        np.bincount(maxima.subject_p, which_p, minlength=maxima.subjects)[:, None].astype(
            np.float64
        )
        for which_p in (refused_p, tried_p)
    )
    return SubjectMean(refused_s1, tried_s1).estimate()
