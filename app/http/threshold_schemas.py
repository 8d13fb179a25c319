"""The shapes of what is said about galleries' own thresholds (docs/thresholds.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app import registry
from app.http.gallery_schemas import GalleryRow
from app.http.recognition_schemas import Score
from app.registry.gallery_thresholds import GalleryThresholds
from model.bootstrap import Estimate
from model.gallery_curve import ThresholdRow


class Rate(BaseModel):
    """A share, with its 95 % interval."""

    value: float
    lowest: float
    highest: float
    subjects: Annotated[int, Field(description="People it was measured on.")]

    @classmethod
    def of(cls, estimate: Estimate) -> Rate:
        return cls(
            value=round(estimate.value, 6),
            lowest=round(estimate.low, 6),
            highest=round(estimate.high, 6),
            subjects=estimate.people,
        )


class TargetRow(BaseModel):
    """What one target means in this gallery."""

    target_fpir: Annotated[
        float, Field(description="Share of strangers that may be taken for somebody enrolled.")
    ]
    threshold: Annotated[
        Score, Field(description="Of a walk of usual level; each decision names its own.")
    ]
    lowest: Annotated[float, Field(description="Of the threshold's 95 % interval.")]
    highest: float
    false_non_match_rate: Annotated[
        Rate | None,
        Field(
            description=(
                "Share of enrolled people's walks that would not be recognised by their other"
                " walks; null where nobody has several."
            )
        ),
    ]

    @classmethod
    def of(cls, row: ThresholdRow) -> TargetRow:
        rate = row.false_non_match_rate
        return cls(
            target_fpir=row.target_fpir,
            threshold=round(row.threshold, 6),
            lowest=round(row.lowest, 6),
            highest=round(row.highest, 6),
            false_non_match_rate=None if rate is None else Rate.of(rate),
        )


class ThresholdsRow(BaseModel):
    """What was measured of a gallery by one checkpoint."""

    checkpoint: str
    measured_at: datetime
    revision: Annotated[int, Field(description="Of the gallery, as it was measured.")]
    subjects: Annotated[int, Field(description="In the gallery, as it was measured.")]
    comparisons: Annotated[int, Field(description="Of a walk with somebody else.")]
    out_of_date: Annotated[
        bool,
        Field(
            description=(
                "The gallery has more than doubled or halved since: decisions use the checkpoint's"
                " thresholds until it is calibrated again."
            )
        ),
    ]
    targets: list[TargetRow]

    @classmethod
    def of(cls, thresholds: GalleryThresholds, subjects_now: int) -> ThresholdsRow:
        own = thresholds.calibration.own
        return cls(
            checkpoint=thresholds.checkpoint_id,
            measured_at=thresholds.measured_at,
            revision=thresholds.revision,
            subjects=own.curve.subjects,
            comparisons=own.curve.comparisons,
            out_of_date=not own.serves(subjects_now),
            targets=[TargetRow.of(row) for row in thresholds.calibration.table],
        )


class GalleryWithThresholds(GalleryRow):
    """A gallery, and what was measured of it."""

    thresholds: Annotated[
        list[ThresholdsRow],
        Field(description="One entry per checkpoint; empty where the checkpoints' own serve."),
    ]

    @classmethod
    def with_thresholds(
        cls, gallery: registry.Gallery, measured: tuple[GalleryThresholds, ...]
    ) -> GalleryWithThresholds:
        rows = [ThresholdsRow.of(each, gallery.subjects) for each in measured]
        return cls(**GalleryRow.of(gallery).model_dump(), thresholds=rows)
