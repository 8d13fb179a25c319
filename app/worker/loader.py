"""Recognition comes up in a thread of its own: the process is up at once and ready soon."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import structlog

from app.errors import NotReady
from app.registry.checkpoint_problems import CheckpointNotHere
from app.registry.gallery_thresholds import GalleryThresholds
from app.settings import Settings
from app.telemetry import Metrics
from app.worker import lasting
from app.worker.foundation import Foundation
from app.worker.job_threads import JobThreads
from app.worker.sweep import Sweep

if TYPE_CHECKING:
    from app.worker.recognition import Recognition

# How soon weights that were missing are noticed.
_LOOK_AGAIN_SECONDS = 1.0

# (what runs jobs now, what has loaded).
OnReady: TypeAlias = Callable[[JobThreads, "Loader"], None]

_log = structlog.get_logger(__name__)


class Loader:
    """Loads recognition, then has the threads begin to run jobs.

    Args:
        settings: device, checkpoint, batch size, segmenter.
        foundation: what the process stands on.
        threads: started when recognition is ready.
        sweep: keeps the indexes up to date from then on.
        metrics: of this process.
        on_failure: told, in this thread, when recognition cannot be loaded.
        on_ready: told, in this thread, when the threads run jobs.
    """

    def __init__(
        self,
        settings: Settings,
        foundation: Foundation,
        threads: JobThreads,
        sweep: Sweep,
        metrics: Metrics,
        on_failure: Callable[[Exception], None] | None,
        on_ready: OnReady | None = None,
    ) -> None:
        self._on_failure = on_failure
        self._on_ready = on_ready
        self._parts = (
            settings,
            foundation.registry,
            foundation.storage,
            metrics,
            foundation.instance.id,
        )
        self._threads = threads
        self._sweep = sweep
        self._recognition: Recognition | None = None
        self._failure: Exception | None = None
        self._missing: CheckpointNotHere | None = None
        self._ready = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._load, name="loader", daemon=True)
        self._thread.start()

    def checkpoint(self) -> str | None:
        """The id of what serves; None while it loads.

        Raises:
            NotReady: it could not be loaded.
            Outage: its index is somewhere that does not answer.
        """
        if self._failure is not None:
            raise NotReady(f"The encoder could not be loaded ({type(self._failure).__name__}).")
        if self._missing is not None:
            raise NotReady(f"{self._missing.detail} {self._missing.advice}")
        if not self._ready or self._recognition is None:
            return None
        outage = self._recognition.search.outage
        if outage is not None:
            raise outage.with_traceback(None)
        return self._recognition.checkpoint_id

    def calibrate(self, gallery: str) -> GalleryThresholds:
        """Measures a gallery's thresholds.

        Raises:
            NotReady: nothing serves yet.
        """
        if self.checkpoint() is None or self._recognition is None:
            raise NotReady
        return self._recognition.calibrate(gallery)

    def shipped(self) -> str | None:
        """The id of the checkpoint in this package; None while it is read."""
        return None if self._recognition is None else self._recognition.shipped_id

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._recognition is not None:
            self._recognition.close()
        lasting.let_go()

    def _load(self) -> None:
        try:
            # Imported here, for it takes OpenCV, FAISS and ONNX Runtime along.
            from app.worker.recognition import Recognition  # noqa: PLC0415

            recognition = Recognition(*self._parts)
            self._recognition = recognition
            if not self._made_ready(recognition):
                return
        except Exception as error:
            _log.error("the encoder could not be loaded", reason=str(error))
            self._failure = error
            if self._on_failure is not None:
                self._on_failure(error)
            return
        self._sweep.refresh_with(recognition.refresh)
        self._threads.start(recognition.pipeline.run)
        lasting.set_apart()
        self._ready = True
        if self._on_ready is not None:
            self._on_ready(self._threads, self)
        _log.info("ready", checkpoint=recognition.checkpoint_id)

    def _made_ready(self, recognition: Recognition) -> bool:
        """Waits for weights that are missing: another checkpoint can be activated meanwhile."""
        while True:
            try:
                recognition.make_ready()
            except CheckpointNotHere as missing:
                if self._missing is None:
                    _log.error("not ready", reason=missing.detail, advice=missing.advice)
                self._missing = missing
                if self._stop.wait(_LOOK_AGAIN_SECONDS):
                    return False
            else:
                self._missing = None
                return True
