"""The checkpoints in use, loaded: each with its encoder, its GEI settings and its calibration.

Mostly there is one. While walks are embedded again there are two, and the second is loaded before
it takes over, in every process.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import structlog

from app.registry import Registry
from app.settings import Settings
from app.telemetry import Metrics
from app.worker import lasting
from app.worker.batcher import Batcher
from app.worker.checkpoint_files import stored_checkpoint
from model.batch_size import largest_batch, measured_pass
from model.calibration import Calibration
from model.encoder import ENCODE_AT_ONCE, Encoder
from model.gei import GeiConfig
from model.in_flight import Encode

_log = structlog.get_logger(__name__)


def encoder_threads() -> int:
    """Half of the cores: under load the others are busy with capture, and alone it is enough."""
    return max(1, (os.cpu_count() or 1) // 2)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One checkpoint, ready: a real forward pass has been made.

    Attributes:
        checkpoint_id: names its templates.
        gei: how its GEIs are made.
        calibration: from error rates to thresholds.
        batcher: shares forward passes between jobs.
        encode: (N, H, W) to (N, D) at once, for work that nobody waits for.
    """

    checkpoint_id: str
    gei: GeiConfig
    calibration: Calibration
    batcher: Batcher
    encode: Encode


@dataclass(slots=True)
class _Held:
    """A recogniser and who uses it."""

    recogniser: Recogniser
    users: int = 0


class Recognisers:
    """Loads checkpoints when they are needed and lets them go when they are not.

    Args:
        registry: keeps the files.
        settings: device, runtime, batch size.
        metrics: receives the batch sizes.
    """

    def __init__(self, registry: Registry, settings: Settings, metrics: Metrics) -> None:
        self._registry = registry
        self._settings = settings
        self._metrics = metrics
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._jobs = 0

    @property
    def is_busy(self) -> bool:
        """Whether a job is in hand, for which work in the background should stand back."""
        return self._jobs > 0

    def loaded(self) -> frozenset[str]:
        """Ids of the checkpoints in memory."""
        with self._lock:
            return frozenset(self._held)

    @contextmanager
    def for_job(self, checkpoint_ids: Sequence[str]) -> Iterator[tuple[Recogniser, ...]]:
        """The recognisers that one job needs, in the same order; loaded where they are not yet.

        Raises:
            UnknownCheckpoint, CheckpointNotHere: one of them cannot be had.
        """
        with self._lock:
            self._jobs += 1
        try:
            with self.use(checkpoint_ids) as recognisers:
                yield recognisers
        finally:
            with self._lock:
                self._jobs -= 1

    @contextmanager
    def use(self, checkpoint_ids: Sequence[str]) -> Iterator[tuple[Recogniser, ...]]:
        """The same for work in the background."""
        taken: list[_Held] = []
        try:
            for checkpoint_id in checkpoint_ids:
                taken.append(self._take(checkpoint_id))
            yield tuple(held.recogniser for held in taken)
        finally:
            with self._lock:
                for held in taken:
                    held.users -= 1

    def keep(self, checkpoint_ids: Sequence[str]) -> None:
        """Loads these and lets all others go that nobody uses.

        Raises:
            UnknownCheckpoint, CheckpointNotHere: one of them cannot be had.
        """
        let_go = self._let_go_all_but(checkpoint_ids)
        with self.use(checkpoint_ids):
            pass
        if let_go:
            lasting.set_apart()

    def close(self) -> None:
        """Ends the encoders' threads."""
        with self._lock:
            held, self._held = list(self._held.values()), {}
        for each in held:
            each.recogniser.batcher.close()

    def _let_go_all_but(self, checkpoint_ids: Sequence[str]) -> list[str]:
        """Those in use stay, too. The ids of those that went: the caller must not hold them."""
        with self._lock:
            unused = [
                checkpoint_id
                for checkpoint_id, held in self._held.items()
                if checkpoint_id not in checkpoint_ids and held.users == 0
            ]
            let_go = [self._held.pop(checkpoint_id) for checkpoint_id in unused]
        for held in let_go:
            held.recogniser.batcher.close()
        return unused

    def _take(self, checkpoint_id: str) -> _Held:
        found = self._taken(checkpoint_id)
        if found is not None:
            return found
        with self._loading:  # one at a time; who waited finds it loaded
            found = self._taken(checkpoint_id)
            if found is None:
                found = _Held(self._load(checkpoint_id), users=1)
                with self._lock:
                    self._held[checkpoint_id] = found
        return found

    def _taken(self, checkpoint_id: str) -> _Held | None:
        with self._lock:
            found = self._held.get(checkpoint_id)
            if found is not None:
                found.users += 1
            return found

    def _load(self, checkpoint_id: str) -> Recogniser:
        checkpoint = stored_checkpoint(self._registry, checkpoint_id)
        encoder = Encoder(
            checkpoint,
            device=self._settings.device,
            threads=encoder_threads(),
            runtime=self._settings.runtime,
        )
        blank_nhw = np.zeros((1, checkpoint.gei.height, checkpoint.gei.width), np.uint8)
        if not np.isfinite(encoder.encode(blank_nhw)).all():
            raise ValueError(f"checkpoint {checkpoint_id} gives no finite embedding")
        batch_size = self._batch_size(encoder)
        _log.info(
            "checkpoint loaded",
            checkpoint=checkpoint_id,
            device=encoder.device,
            batch_size=batch_size,
        )
        return Recogniser(
            checkpoint_id=checkpoint_id,
            gei=checkpoint.gei,
            calibration=checkpoint.calibration,
            batcher=Batcher(encoder.begin, batch_size, self._metrics, in_flight=encoder.in_flight),
            encode=encoder.encode,
        )

    def _batch_size(self, encoder: Encoder) -> int:
        """As set, or the largest whose forward pass takes no longer than was set."""
        target_ms = self._settings.batch_latency_ms
        if target_ms is None:
            return self._settings.batch_size
        gei = encoder.checkpoint.gei
        seconds_of = measured_pass(encoder.encode, gei.height, gei.width)
        return largest_batch(seconds_of, target_ms / 1000.0, most_walks=ENCODE_AT_ONCE)
