"""`/galleries/{gallery}/calibrate`: thresholds from a gallery's own scores, and the way back."""

from __future__ import annotations

from fastapi import APIRouter

from app.http.schemas import problems
from app.http.services import Parts
from app.http.threshold_schemas import GalleryWithThresholds, ThresholdsRow
from app.registry.fields import clean_gallery

router = APIRouter(tags=["galleries"])


@router.post("/galleries/{gallery}/calibrate", responses=problems(404, 409, 422, 503))
def calibrate_gallery(services: Parts, gallery: str) -> ThresholdsRow:
    """Measures how alike different people in the gallery are; decisions use what was found.

    Takes a second for hundreds of subjects and some seconds for a million templates. Doing it again
    measures again and replaces what was found before. Nothing of it can be traced to a person.
    """
    name = clean_gallery(gallery)
    measured = services.calibrate(name)
    return ThresholdsRow.of(measured, services.registry.galleries.get(name).subjects)


@router.delete("/galleries/{gallery}/calibration", responses=problems(404, 422))
def forget_calibration(services: Parts, gallery: str) -> GalleryWithThresholds:
    """Returns a gallery to the checkpoints' thresholds."""
    name = clean_gallery(gallery)
    services.registry.thresholds.forget(name)
    return GalleryWithThresholds.with_thresholds(services.registry.galleries.get(name), ())
