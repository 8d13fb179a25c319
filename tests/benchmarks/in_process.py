"""The same computation as `POST /identify`, called in this process: the yardstick.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.registry import Registry
from app.search import Decision, GallerySearch, SearchResult, ThresholdBasis, decide
from model.capture import capture_walk
from model.encoder import Encoder
from model.gei import energy_image

STAGES = ("capture", "gei", "encode", "search", "decide")
_TOP_K, _TARGET_FPIR = 5, 0.01


@dataclass(frozen=True, slots=True)
class Timed:
    """One identification and what each stage took, in milliseconds, in the order of `STAGES`."""

    decision: Decision
    milliseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """What one setting reached: walks per second, and CPU milliseconds for each of them."""

    walks_per_second: float
    cpu_ms: float


class InProcess:
    """Encoder, registry and index of this process, over the service's own database.

    Args:
        database_url: of the registry that the service uses.
        gallery: to search.
        threads: of the encoder, as the service sets it.
    """

    def __init__(self, database_url: str, gallery: str, *, threads: int | None = None) -> None:
        self._encoder = Encoder.load(device="cpu", threads=threads)
        self._basis = ThresholdBasis(self._encoder.checkpoint.calibration)
        self._search = GallerySearch(Registry.open(database_url))
        self._gallery = gallery

    def gei_of(self, walk: Path) -> NDArray[np.uint8]:
        """The first two stages: (H, W)."""
        return energy_image(capture_walk([walk]), self._encoder.checkpoint.gei).gei_hw

    def identify(self, walk: Path) -> Timed:
        """All stages, one after another, each timed."""
        marks = [time.perf_counter()]
        sequence = capture_walk([walk])
        marks.append(time.perf_counter())
        image = energy_image(sequence, self._encoder.checkpoint.gei)
        marks.append(time.perf_counter())
        vectors_nd = self._encoder.encode(image.gei_hw[None])
        marks.append(time.perf_counter())
        found = self._found(vectors_nd)
        marks.append(time.perf_counter())
        decision = decide(found, self._basis, target_fpir=_TARGET_FPIR)
        marks.append(time.perf_counter())
        steps = tuple(1000.0 * (after - before) for before, after in pairwise(marks))
        return Timed(decision, steps)

    def _found(self, vectors_kd: NDArray[np.float32]) -> SearchResult:
        checkpoint_id = self._encoder.checkpoint.checkpoint_id
        return self._search.search(self._gallery, checkpoint_id, vectors_kd, top_k=_TOP_K)

    def limit(self, walks: list[Path], *, seconds: float, threads: int, batch_size: int) -> Limit:
        """The batched limit: threads make GEIs, this one encodes and searches what is ready.

        Args:
            walks: taken in turn.
            seconds: how long walks are started.
            threads: that capture.
            batch_size: most GEIs in one forward pass.
        """
        # As many walks wait as 16 clients could have in flight.
        ready: queue.Queue[NDArray[np.uint8] | None] = queue.Queue(16)
        turns = count()
        started, cpu_before = time.perf_counter(), time.process_time()

        def capture() -> None:
            while time.perf_counter() - started < seconds:
                ready.put(self.gei_of(walks[next(turns) % len(walks)]))
            ready.put(None)

        workers = [threading.Thread(target=capture) for _ in range(threads)]
        for worker in workers:
            worker.start()
        decided = 0
        ended = 0
        while ended < threads:
            geis: list[NDArray[np.uint8]] = []
            item = ready.get()
            while item is not None:
                geis.append(item)
                if len(geis) == batch_size or ready.empty():
                    break
                item = ready.get()
            if item is None:
                ended += 1
            if not geis:
                continue
            for vector_d in self._encoder.encode(np.stack(geis)):
                found = self._found(vector_d[None])
                decide(found, self._basis, target_fpir=_TARGET_FPIR)
                decided += 1
        for worker in workers:
            worker.join()
        cpu_ms = 1000.0 * (time.process_time() - cpu_before) / decided
        return Limit(decided / (time.perf_counter() - started), cpu_ms)
