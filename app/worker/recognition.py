"""Recognition, loaded: encoders, indexes, pipeline. Importing it loads OpenCV, FAISS, ONNX Runtime.

Whoever starts the service imports it in a thread, while the rest of the service comes up.
"""

from __future__ import annotations

import structlog

from app.errors import NotReady
from app.registry import Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.search import GalleryCalibrator, GallerySearch, Snapshots
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.checkpoint_files import read_checkpoint_file, shipped_checkpoint
from app.worker.checkpoint_watch import CheckpointWatch
from app.worker.pipeline import Pipeline, Thresholds
from app.worker.recognisers import Recognisers
from app.worker.reembedder import Reembedder
from app.worker.segmenter import segmenter_of
from app.worker.storage import UploadStorage
from app.worker.walkers import WalkerReader
from model.capture import CaptureLimits
from model.capture.sandbox import warm_up
from model.judgement_score import POOR_BELOW

_log = structlog.get_logger(__name__)


class Recognition:
    """Everything a job needs. Call `make_ready` before the first one.

    Args:
        settings: device, checkpoint, batch size, segmenter.
        registry: migrated.
        storage: holds the uploads.
        metrics: of this process.
        owner: the id of this process's instance.

    Attributes:
        shipped_id: of the checkpoint that ships with this version.
        pipeline: runs jobs.
        search: the galleries' indexes.

    Raises:
        CheckpointNotUsable: the settings name a file that is none.
        MilvusNotInstalled: the settings name a Milvus, and there is no client for it.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        storage: UploadStorage,
        metrics: Metrics,
        owner: str,
    ) -> None:
        warm_up()  # the process that decodes uploads loads beside the encoder
        shipped = shipped_checkpoint()
        chosen = None if settings.checkpoint is None else read_checkpoint_file(settings.checkpoint)
        active = registry.checkpoints.settle(shipped, chosen)
        if chosen is not None and chosen.id != active:
            _log.warning(
                "the checkpoint of the settings is installed, and another one serves; to switch,"
                " use `walkprint checkpoints activate`",
                installed=chosen.id,
                serves=active,
            )
        self.shipped_id = shipped.id
        self.search = _search_of(settings, registry)
        self._registry = registry
        self._calibrator = GalleryCalibrator(registry, self.search)
        self._metrics = metrics
        self._recognisers = Recognisers(registry, settings, metrics)
        self._watch = CheckpointWatch(registry, self._recognisers, self.search)
        self._reembedder = Reembedder(
            registry, self._recognisers, owner=owner, lease_seconds=settings.lease_seconds
        )
        self.pipeline = Pipeline(
            registry=registry,
            search=self.search,
            reader=WalkerReader(
                limits=CaptureLimits(),
                segmenter=segmenter_of(settings),
                slots=settings.workers,
                metrics=metrics,
            ),
            storage=storage,
            recognisers=self._recognisers,
            thresholds=Thresholds(
                duplicate_fmr=settings.duplicate_fmr,
                enroll_min_quality=(
                    POOR_BELOW
                    if settings.enroll_min_quality is None
                    else settings.enroll_min_quality
                ),
            ),
            metrics=metrics,
        )
        self._reembedder.start()

    @property
    def checkpoint_id(self) -> str | None:
        """What served when it was last looked, a second ago; None before `make_ready`."""
        return self._watch.active

    def make_ready(self) -> None:
        """Loads what serves, with a real forward pass; from then on it follows every switch.

        Raises:
            CheckpointNotHere: its weights are missing; once they are installed, or another
                checkpoint has taken over, calling this again helps.
        """
        self._watch.load_active()
        self._watch.start()
        self._metrics.encoder_ready.set(1)

    def calibrate(self, gallery: str) -> GalleryThresholds:
        """Measures a gallery's thresholds by the checkpoint that serves; see `GalleryCalibrator`.

        Raises:
            NotReady: none serves yet.
            UnknownGallery, GalleryTooSmall, TooBusy: as there.
        """
        serving = self._registry.checkpoints.serving()
        if serving is None:
            raise NotReady("No checkpoint serves yet.")
        with self._recognisers.use((serving.active,)) as (by,):
            return self._calibrator.calibrate(gallery, by.checkpoint_id, by.calibration)

    def refresh(self) -> None:
        """Brings the indexes up to date, and says so."""
        self.search.refresh()
        self._metrics.index_lag.set(self.search.lag)
        if self.search.outage is None:
            self._metrics.index_refreshed.set_to_current_time()

    def close(self) -> None:
        """Ends the threads and saves the indexes."""
        self._reembedder.close()
        self._watch.close()
        self.search.close()
        self._recognisers.close()


def _search_of(settings: Settings, registry: Registry) -> GallerySearch:
    """Searches by vectors in memory, or in the Milvus of the settings."""
    snapshots = Snapshots(settings.snapshots_folder, registry)
    if settings.index != "milvus" or settings.milvus_uri is None:
        if registry.index_feeds.known():
            _log.warning(
                "what is in Milvus is not looked after any more: erased people stay in it",
                advice="drop its collections (docs/milvus.md)",
            )
        return GallerySearch(
            registry, snapshots=snapshots, approximate=settings.index == "approximate"
        )
    # Imported here: whoever has no Milvus need not install its client.
    from app.search.milvus import MilvusIndexes, Server  # noqa: PLC0415

    # Of a time when vectors were in memory: what is erased leaves them, too.
    snapshots.discard_outdated()
    registry.on_erasure(snapshots.discard_outdated)
    token = settings.milvus_token
    server = Server(
        settings.milvus_uri,
        token="" if token is None else token.get_secret_value(),
        prefix=settings.milvus_prefix,
        kind=settings.milvus_index,
    )
    return GallerySearch(registry, indexes=MilvusIndexes(registry, server))
