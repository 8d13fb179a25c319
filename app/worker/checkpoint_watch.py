"""Each process notices what other processes activate, and is ready for it before it happens."""

from __future__ import annotations

import threading

import structlog

from app.errors import Problem
from app.outages import Outage
from app.registry import Registry
from app.search import GallerySearch
from app.worker.recognisers import Recognisers

_EVERY_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class CheckpointWatch:
    """A thread that keeps loaded what serves and what is being made ready, and nothing else.

    Jobs do not wait for it: each asks the registry itself what serves, and loads what is missing.

    Args:
        registry: says what serves.
        recognisers: kept loaded.
        search: holds the indexes that belong to them.

    Attributes:
        active: id of the checkpoint that served at the last look; None before the first.
    """

    def __init__(self, registry: Registry, recognisers: Recognisers, search: GallerySearch) -> None:
        self._registry = registry
        self._recognisers = recognisers
        self._search = search
        self.active: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint-watch", daemon=True)

    def start(self) -> None:
        """Looks every second."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def load_active(self) -> None:
        """Loads what serves.

        Raises:
            UnknownCheckpoint, CheckpointNotHere: it cannot be had.
        """
        serving = self._registry.checkpoints.serving()
        if serving is not None:
            self._recognisers.keep((serving.active,))
            self.active = serving.active

    def look(self) -> None:
        """Loads what is missing and lets go what is not needed any more.

        Raises:
            UnknownCheckpoint, CheckpointNotHere: what serves, or comes next, cannot be had.
        """
        serving = self._registry.checkpoints.serving()
        if serving is None:
            return
        self.active = serving.active
        if set(serving.ids) != self._recognisers.loaded():
            self._recognisers.keep(serving.ids)
        self._search.hold(serving.ids)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                self.look()
            except Outage as outage:  # asked again in a second; the sweep says it aloud
                _log.debug("checkpoints cannot be looked at", reason=outage.detail)
            except Problem as problem:
                _log.warning("a checkpoint cannot be loaded", reason=problem.detail)
            except Exception:
                _log.exception("checkpoints could not be looked at")
