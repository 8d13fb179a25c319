"""A gallery is measured: its templates are compared with each other, and the result is kept.

Shape letters: N templates, D embedding size.
"""

from __future__ import annotations

import threading

import numpy as np
import structlog
from numpy.typing import NDArray

from app.errors import Problem, TooBusy
from app.registry import Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.search.gallery_search import GallerySearch
from model.calibration import Calibration
from model.gallery_calibration import FEWEST_SUBJECTS, TooFewSubjects, calibrate_gallery

_RETRY_AFTER_SECONDS = 5

_log = structlog.get_logger(__name__)


class GalleryTooSmall(Problem):
    """So few people are enrolled that their scores say nothing of strangers."""

    status = 409
    slug = "gallery-too-small"
    title = "The gallery is too small for thresholds of its own"
    advice = (
        "Until more people are enrolled, the checkpoint's thresholds serve; choose a stricter"
        " `target_fpir` where a wrong name would do harm."
    )

    def __init__(self, gallery: str, subjects: int, needed: int) -> None:
        super().__init__(
            f"Gallery '{gallery}' has {subjects} subjects with templates by this checkpoint;"
            f" {needed} are needed.",
            gallery=gallery,
            subjects=subjects,
            needed=needed,
        )


class GalleryCalibrator:
    """Measures one gallery at a time, for it takes a copy of all its templates.

    Args:
        registry: keeps the result.
        search: has the templates in memory.
    """

    def __init__(self, registry: Registry, search: GallerySearch) -> None:
        self._registry = registry
        self._search = search
        self._turn = threading.Lock()

    def calibrate(
        self, gallery: str, checkpoint_id: str, calibration: Calibration
    ) -> GalleryThresholds:
        """Measures a gallery and has decisions use what was found.

        Args:
            gallery: its name.
            checkpoint_id: whose templates are measured.
            calibration: of that checkpoint.

        Raises:
            UnknownGallery: there is none.
            GalleryTooSmall: too few subjects have templates by this checkpoint.
            TooBusy: another gallery is being measured.
        """
        if not self._turn.acquire(blocking=False):
            raise TooBusy(
                "Another gallery is being measured.", retry_after_seconds=_RETRY_AFTER_SECONDS
            )
        try:
            # Read first: the templates are of this revision, or newer.
            now = self._registry.templates.revision(gallery)
            if not self._search.knows_spread:
                calibration = calibration.without_spread()  # measured as decisions are made
            found = calibrate_gallery(*self._copy(gallery, checkpoint_id), calibration)
        except TooFewSubjects as error:
            raise GalleryTooSmall(gallery, error.subjects, FEWEST_SUBJECTS) from error
        finally:
            self._turn.release()
        curve = found.own.curve
        _log.info(
            "a gallery was calibrated",
            gallery=now.gallery_id,
            checkpoint=checkpoint_id,
            subjects=curve.subjects,
            comparisons=curve.comparisons,
        )
        return self._registry.thresholds.store(now.gallery_id, checkpoint_id, now.revision, found)

    def _copy(
        self, gallery: str, checkpoint_id: str
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(N, D) vectors and (N,) subjects; copied, so that no erasure waits for the measurement.

        Raises:
            TooFewSubjects: there is nobody.
        """
        with self._search.templates(gallery, checkpoint_id) as pieces:
            copied = list(pieces)
        if not copied:
            raise TooFewSubjects(0)
        subjects, vectors = zip(*copied, strict=True)
        return np.concatenate(vectors), np.concatenate(subjects)
