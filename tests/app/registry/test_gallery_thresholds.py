"""What was measured of a gallery is kept until it is measured again, or forgotten."""

from __future__ import annotations

import pytest

from app.errors import UnknownGallery
from app.registry import Registry
from model.bootstrap import Estimate
from model.calibration import Calibration
from model.gallery_curve import GalleryCalibration, GalleryCurve, ThresholdRow
from tests.app.registry.conftest import Clock


def found(subjects: int) -> GalleryCalibration:
    curve = Calibration((0.5, 0.01), (0.2, 0.6), "a test", subjects, 9)
    rate = Estimate(0.2, 0.1, 0.3, subjects, 40)
    return GalleryCalibration(
        GalleryCurve(curve, (0.1, 0.5), (0.3, 0.7)), (ThresholdRow(0.1, 0.4, 0.3, 0.5, rate),)
    )


def test_a_measurement_replaces_the_one_before_by_the_same_checkpoint(
    registry: Registry, clock: Clock
) -> None:
    gallery = registry.galleries.create("office")
    registry.thresholds.store(gallery.id, "one", 3, found(10))
    registry.thresholds.store(gallery.id, "two", 3, found(11))
    clock.advance(hours=1)
    stored = registry.thresholds.store(gallery.id, "one", 7, found(12))

    assert registry.thresholds.of("office", "one") == stored
    assert (stored.revision, stored.measured_at) == (7, clock())
    kept = registry.thresholds.list("office")
    assert [each.calibration.own.curve.subjects for each in kept] == [12, 11]


def test_other_galleries_and_other_checkpoints_have_none(registry: Registry) -> None:
    office, gym = registry.galleries.create("office"), registry.galleries.create("gym")
    registry.thresholds.store(office.id, "one", 3, found(10))
    assert registry.thresholds.of("office", "two") is None
    assert registry.thresholds.of(gym.name, "one") is None
    assert registry.thresholds.of("nowhere", "one") is None


def test_what_is_forgotten_is_gone_for_every_checkpoint(registry: Registry) -> None:
    gallery = registry.galleries.create("office")
    for checkpoint in ("one", "two"):
        registry.thresholds.store(gallery.id, checkpoint, 3, found(10))
    assert registry.thresholds.forget("office") == 2
    assert registry.thresholds.list("office") == ()


def test_a_gallery_deleted_while_it_was_measured_keeps_nothing(registry: Registry) -> None:
    gallery = registry.galleries.create("office")
    registry.galleries.delete("office")
    with pytest.raises(UnknownGallery):
        registry.thresholds.store(gallery.id, "one", 3, found(10))
