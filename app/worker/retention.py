"""Retention as the service runs it: every few minutes, in batches, told to logs and metrics."""

from __future__ import annotations

from time import monotonic

import structlog

from app.registry import Registry
from app.telemetry import Metrics
from app.worker.storage import UploadStorage

_EVERY_SECONDS = 300.0

_log = structlog.get_logger(__name__)


class RetentionRounds:
    """Erases what has become too old, a batch at each call while there is more.

    Args:
        registry: knows the rules.
        storage: holds the uploads of jobs that go.
        metrics: counts what was erased.
    """

    def __init__(self, registry: Registry, storage: UploadStorage, metrics: Metrics) -> None:
        self._registry = registry
        self._storage = storage
        self._metrics = metrics
        self._begun = float("-inf")

    def run(self) -> None:
        """Does what is due; nothing when it is not time yet."""
        if monotonic() - self._begun < _EVERY_SECONDS:
            return
        rounds = self._registry.retention.erase_expired()
        for each in rounds:
            self._storage.discard(each.uploads)
            self._metrics.retention_erased.labels("walk").inc(each.walks)
            self._metrics.retention_erased.labels("subject").inc(each.subjects)
            # By the gallery's number: its name is the caller's.
            _log.info(
                "erased for their age",
                gallery=each.gallery_id,
                walks=each.walks,
                subjects=each.subjects,
            )
        final = self._registry.merges.purge_expired()
        if final:
            self._metrics.retention_erased.labels("merge").inc(final)
            _log.info("merges became final", merges=final)
        if not any(each.more for each in rounds):
            self._begun = monotonic()
