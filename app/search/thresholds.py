"""Which curve a decision uses, the gallery's own or the checkpoint's, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.registry.gallery_thresholds import GalleryThresholds
from model.calibration import Calibration, Cohort


@dataclass(frozen=True, slots=True)
class ThresholdSource:
    """What a threshold rests on.

    Attributes:
        kind: who was measured: people of this gallery, or those the checkpoint was calibrated on.
        subjects: how many they were.
        comparisons: of a walk with somebody else.
        measured_at: in UTC; None of a checkpoint.
        lowest: of the threshold's 95 % interval; None of a checkpoint.
        highest: the same.
        out_of_date: the gallery was measured, and has since grown or shrunk so much that what was
            found is not used any more.
    """

    kind: Literal["gallery", "checkpoint"]
    subjects: int
    comparisons: int
    measured_at: datetime | None = None
    lowest: float | None = None
    highest: float | None = None
    out_of_date: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine from which on a candidate is a match, and what it rests on."""

    value: float
    source: ThresholdSource


@dataclass(frozen=True, slots=True)
class ThresholdBasis:
    """What the thresholds of one search are read off.

    Attributes:
        checkpoint: the calibration of the checkpoint.
        own: what was measured of the gallery; None where nothing was.
    """

    checkpoint: Calibration
    own: GalleryThresholds | None = None

    def identification(
        self, *, target_fpir: float, gallery_size: int, cohort: Cohort | None
    ) -> Threshold:
        """See `Calibration.threshold`."""
        size = max(1, gallery_size)
        return self._read(
            size,
            lambda curve: curve.threshold(
                target_fpir=target_fpir, gallery_size=size, cohort=cohort
            ),
        )

    def verification(self, *, target_fmr: float, cohort: Cohort | None) -> Threshold:
        """See `Calibration.verification_threshold`; the cohort is everybody else."""
        size = 1 + (0 if cohort is None else cohort.subjects)
        return self._read(
            size,
            lambda curve: curve.verification_threshold(target_fmr=target_fmr, cohort=cohort),
        )

    def _read(self, subjects: int, threshold: Callable[[Calibration], float]) -> Threshold:
        if self.own is None or not self.own.calibration.own.serves(subjects):
            curve = self.checkpoint
            source = ThresholdSource(
                "checkpoint",
                curve.subjects,
                curve.comparisons,
                out_of_date=self.own is not None,
            )
            return Threshold(threshold(curve), source)
        measured = self.own.calibration.own
        source = ThresholdSource(
            "gallery",
            measured.curve.subjects,
            measured.curve.comparisons,
            self.own.measured_at,
            threshold(measured.lowest),
            threshold(measured.highest),
        )
        return Threshold(threshold(measured.curve), source)
