"""Recognition, loaded: encoder, index, pipeline. Importing this loads OpenCV, FAISS, ONNX Runtime.

Whoever starts the service imports it in a thread, while the rest of the service comes up.
"""

from __future__ import annotations

import os

import numpy as np

from app.registry import Registry
from app.search import GallerySearch
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.batcher import Batcher
from app.worker.pipeline import Pipeline, Thresholds
from app.worker.segmenter import segmenter_of
from app.worker.storage import UploadStorage
from app.worker.walkers import WalkerReader
from model.capture import CaptureLimits
from model.capture.sandbox import warm_up
from model.encoder import Encoder
from model.judgement_score import POOR_BELOW


def encoder_threads() -> int:
    """Half of the cores: under load the others are busy with capture, and alone it is enough."""
    return max(1, (os.cpu_count() or 1) // 2)


class Recognition:
    """Everything a job needs, with the encoder warm: one real forward pass has been made.

    Args:
        settings: device, checkpoint, batch size, segmenter.
        registry: migrated.
        storage: holds the uploads.
        metrics: of this process.

    Attributes:
        checkpoint_id: of the weights that serve.
        pipeline: runs jobs.
        search: the galleries' indexes.
    """

    def __init__(
        self, settings: Settings, registry: Registry, storage: UploadStorage, metrics: Metrics
    ) -> None:
        warm_up()  # the process that decodes uploads loads beside the encoder
        encoder = Encoder.load(
            settings.checkpoint,
            device=settings.device,
            threads=encoder_threads(),
            runtime=settings.runtime,
        )
        checkpoint = encoder.checkpoint
        blank_nhw = np.zeros((1, checkpoint.gei.height, checkpoint.gei.width), np.uint8)
        if not np.isfinite(encoder.encode(blank_nhw)).all():
            raise ValueError(f"checkpoint {checkpoint.checkpoint_id} gives no finite embedding")
        self.checkpoint_id = checkpoint.checkpoint_id
        self.search = GallerySearch(registry)
        self._batcher = Batcher(encoder.encode, settings.batch_size, metrics)
        self.pipeline = Pipeline(
            registry=registry,
            search=self.search,
            reader=WalkerReader(
                batcher=self._batcher,
                gei=checkpoint.gei,
                limits=CaptureLimits(),
                segmenter=segmenter_of(settings),
                slots=settings.workers,
                metrics=metrics,
            ),
            storage=storage,
            checkpoint_id=checkpoint.checkpoint_id,
            thresholds=Thresholds(
                calibration=checkpoint.calibration,
                duplicate_fmr=settings.duplicate_fmr,
                enroll_min_quality=(
                    POOR_BELOW
                    if settings.enroll_min_quality is None
                    else settings.enroll_min_quality
                ),
            ),
            metrics=metrics,
        )
        metrics.encoder_ready.set(1)

    def close(self) -> None:
        """Ends the encoder's thread."""
        self._batcher.close()
