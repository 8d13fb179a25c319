"""`/galleries/{gallery}/calibrate`: thresholds from a gallery's own scores, and the way back."""

from __future__ import annotations

from fastapi import APIRouter

from app.http.access import GuardedRoute, needs
from app.http.boundaries import OwnGallery
from app.http.schemas import problems
from app.http.services import Parts
from app.http.threshold_schemas import GalleryWithThresholds, ThresholdsRow

router = APIRouter(tags=["galleries"], route_class=GuardedRoute)


@router.post("/galleries/{gallery}/calibrate", responses=problems(404, 409, 422, 503))
@needs("admin")
def calibrate_gallery(services: Parts, gallery: OwnGallery) -> ThresholdsRow:
    """Measures how alike different people in the gallery are; decisions use what was found.

    Takes a second for hundreds of subjects and some seconds for a million templates. Doing it again
    measures again and replaces what was found before. Nothing of it can be traced to a person.
    """
    measured = services.calibrate(gallery)
    return ThresholdsRow.of(measured, services.registry.galleries.get(gallery).subjects)


@router.delete("/galleries/{gallery}/calibration", responses=problems(404, 422))
@needs("admin")
def forget_calibration(services: Parts, gallery: OwnGallery) -> GalleryWithThresholds:
    """Returns a gallery to the checkpoints' thresholds."""
    services.registry.thresholds.forget(gallery)
    return GalleryWithThresholds.with_thresholds(services.registry.galleries.get(gallery), ())
