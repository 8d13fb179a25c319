"""Workers elsewhere do the work: what a service has of them, without their libraries."""

from __future__ import annotations

import json
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta

from app.errors import NotReady, Problem
from app.registry import IdempotencyKey, Registry
from app.registry.gallery_thresholds import GalleryThresholds
from app.settings import Settings
from app.telemetry import Metrics
from app.worker.broker.errands import errand
from app.worker.broker.link import CONNECTION_ERRORS
from app.worker.broker.publisher import Publisher
from app.worker.foundation import Foundation
from app.worker.hands import Hands
from app.worker.outcomes import Json, Watchers
from app.worker.sweep import Sweep

# A measurement of a million templates takes some seconds, and may wait for another errand.
_ERRAND_SECONDS = 60.0
_QUESTION_SECONDS = 3.0


class AnsweredElsewhere(Problem):
    """What a worker refused, as it said it."""

    def __init__(self, document: Json) -> None:
        super().__init__(str(document.get("detail")))
        self._document = document

    def to_json(self) -> dict[str, object]:
        """The worker's own document."""
        return self._document


class WorkersAway(NotReady):
    """No worker took the work up; jobs wait for one, other work has to be asked for again."""

    title = "No worker answers"
    advice = "Try again when a worker runs and the broker answers (docs/workers.md)."


class HiredHands:
    """What workers are asked besides jobs.

    Args:
        publisher: takes errands to them.
        registry: where they leave results.
    """

    def __init__(self, publisher: Publisher, registry: Registry) -> None:
        self._publisher = publisher
        self._registry = registry
        self._serving: str | None = None
        self._shipped: str | None = None

    def look(self) -> None:
        """Reads which checkpoint serves: the workers follow the registry within a second."""
        serving = self._registry.checkpoints.serving()
        self._serving = None if serving is None else serving.active

    def checkpoint(self) -> str | None:
        """What served a second ago; None before the first worker made a checkpoint ready."""
        return self._serving

    def shipped(self) -> str | None:
        """The id of the checkpoint in the workers' package; None while none of them answers."""
        if self._shipped is None:
            try:
                found = self._ask(errand("shipped"), _QUESTION_SECONDS)["checkpoint"]
            except WorkersAway:
                return None
            self._shipped = None if found is None else str(found)
        return self._shipped

    def calibrate(self, gallery: str) -> GalleryThresholds:
        """Has a worker measure a gallery's thresholds.

        Raises:
            WorkersAway: none did.
            Problem: as `GalleryCalibrator.calibrate`, in the worker's words.
        """
        answer = self._ask(errand("calibrate", gallery=gallery), _ERRAND_SECONDS)
        measured = self._registry.thresholds.of(gallery, str(answer["checkpoint"]))
        if measured is None:
            raise NotReady("The measurement was replaced or forgotten meanwhile.")
        return measured

    def install(self, upload: str, filename: str, key: IdempotencyKey | None) -> tuple[str, bool]:
        """Has a worker read and install an uploaded checkpoint; as `install_upload`.

        Raises:
            WorkersAway: none did.
            Problem: as there, in the worker's words.
        """
        asked = errand(
            "install",
            upload=upload,
            filename=filename,
            key=None if key is None else asdict(key),
        )
        answer = self._ask(asked, _ERRAND_SECONDS)
        return str(answer["checkpoint"]), bool(answer["created"])

    def _ask(self, asked: bytes, seconds: float) -> Json:
        try:
            answered: Json = json.loads(self._publisher.ask(asked, seconds).result(2 * seconds))
        except (*CONNECTION_ERRORS, CancelledError) as error:
            raise WorkersAway("No worker took the errand up in time.") from error
        problem, answer = answered.get("problem"), answered.get("answer")
        if isinstance(problem, dict):
            raise AnsweredElsewhere(problem)
        return answer if isinstance(answer, dict) else {}


def hired_hands(
    settings: Settings,
    foundation: Foundation,
    metrics: Metrics,
    watchers: Watchers,
    stack: ExitStack,
    url: str,
) -> Hands:
    """Has workers behind a broker do the work.

    Args:
        settings: of the service.
        foundation: what the process stands on.
        metrics: of this process.
        watchers: woken when jobs end.
        stack: closes what is opened.
        url: of the broker.
    """
    registry, instance = foundation.registry, foundation.instance
    publisher = Publisher(url, registry, instance.id, watchers, metrics)
    hands = HiredHands(publisher, registry)
    sweep = Sweep(
        registry=registry,
        instance=instance,
        storage=foundation.storage,
        queue=publisher,
        lease_seconds=settings.lease_seconds,
        keep_jobs=timedelta(hours=settings.keep_jobs_hours),
        metrics=metrics,
    )
    sweep.refresh_with(hands.look)
    stack.callback(registry.jobs.release_owner, instance.id)
    stack.callback(publisher.close)
    publisher.start()
    sweep.start()
    stack.callback(sweep.close)
    return Hands(
        queue=publisher,
        sweep=sweep,
        checkpoint=hands.checkpoint,
        calibrate=hands.calibrate,
        install=hands.install,
        shipped=hands.shipped,
    )
