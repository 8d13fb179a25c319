"""Thresholds of galleries' own: what was measured, by which checkpoint, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from app.errors import UnknownGallery
from app.registry.audit import note
from app.registry.columns import AnyRow
from app.registry.database import Database
from app.registry.subjects import gallery_id_of
from app.registry.tables import galleries, gallery_calibrations
from model.gallery_curve import GalleryCalibration


@dataclass(frozen=True, slots=True)
class GalleryThresholds:
    """One measurement, the newest of its gallery and checkpoint.

    Attributes:
        checkpoint_id: whose templates were measured.
        revision: of the gallery, as it was measured.
        measured_at: in UTC.
        calibration: what was found.
    """

    checkpoint_id: str
    revision: int
    measured_at: datetime
    calibration: GalleryCalibration


_COLUMNS = select(
    gallery_calibrations.c.checkpoint_id,
    gallery_calibrations.c.revision,
    gallery_calibrations.c.created_at,
    gallery_calibrations.c.calibration,
)
_OF = _COLUMNS.join(galleries, galleries.c.id == gallery_calibrations.c.gallery_id).where(
    galleries.c.name == bindparam("gallery"),
    gallery_calibrations.c.checkpoint_id == bindparam("checkpoint_id"),
)


class Thresholds:
    """What is known of galleries' own thresholds; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, gallery: str, checkpoint_id: str) -> GalleryThresholds | None:
        """What a decision uses; None where nothing was measured, or there is no such gallery."""
        found = self._database.ask(_OF, {"gallery": gallery, "checkpoint_id": checkpoint_id})
        return _thresholds(found[0]) if found else None

    def list(self, gallery: str) -> tuple[GalleryThresholds, ...]:
        """What was measured of a gallery, by checkpoint id.

        Raises:
            UnknownGallery: there is none.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                _COLUMNS.where(
                    gallery_calibrations.c.gallery_id == gallery_id_of(connection, gallery)
                ).order_by(gallery_calibrations.c.checkpoint_id)
            ).all()
        return tuple(_thresholds(row) for row in rows)

    def store(
        self, gallery_id: int, checkpoint_id: str, revision: int, calibration: GalleryCalibration
    ) -> GalleryThresholds:
        """Keeps a measurement in place of an earlier one.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates were measured.
            revision: of the gallery, as it was measured.
            calibration: what was found.

        Raises:
            UnknownGallery: it was deleted meanwhile.
        """
        now = self._database.now()
        with self._database.write() as connection:
            # Locked, so that of two measurements at once each replaces a whole one.
            held = connection.execute(
                select(galleries.c.id).where(galleries.c.id == gallery_id).with_for_update()
            ).one_or_none()
            if held is None:
                raise UnknownGallery(f"#{gallery_id}")
            connection.execute(
                delete(gallery_calibrations).where(
                    gallery_calibrations.c.gallery_id == gallery_id,
                    gallery_calibrations.c.checkpoint_id == checkpoint_id,
                )
            )
            connection.execute(
                insert(gallery_calibrations),
                {
                    "gallery_id": gallery_id,
                    "checkpoint_id": checkpoint_id,
                    "revision": revision,
                    "calibration": calibration.to_json(),
                    "created_at": now,
                },
            )
            note(
                connection,
                "gallery.calibrated",
                gallery=gallery_id,
                checkpoint=checkpoint_id,
                revision=revision,
            )
        return GalleryThresholds(checkpoint_id, revision, now, calibration)

    def forget(self, gallery: str) -> int:
        """Returns a gallery to the checkpoints' thresholds.

        Returns:
            How many measurements there were.

        Raises:
            UnknownGallery: there is none.
        """
        with self._database.write() as connection:
            gallery_id = gallery_id_of(connection, gallery)
            forgotten = connection.execute(
                delete(gallery_calibrations).where(gallery_calibrations.c.gallery_id == gallery_id)
            ).rowcount
            if forgotten:
                note(connection, "gallery.calibration_forgotten", gallery=gallery_id)
            return forgotten


def _thresholds(row: AnyRow) -> GalleryThresholds:
    return GalleryThresholds(
        row.checkpoint_id,
        row.revision,
        row.created_at,
        GalleryCalibration.from_json(row.calibration),
    )
