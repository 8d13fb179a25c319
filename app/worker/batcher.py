"""Concurrent jobs share one forward pass.

No walk ever waits for a clock: when the encoder is free it takes whatever is waiting, up to the
batch size. One alone goes alone; under load the batches fill by themselves.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from app.telemetry import Metrics

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Batcher:
    """The one thread that calls the encoder.

    Args:
        encode: GEIs (N, H, W) to unit vectors (N, D); called by this thread only.
        batch_size: most walks in one call.
        metrics: receives the batch sizes.
    """

    def __init__(self, encode: Encode, batch_size: int, metrics: Metrics) -> None:
        self._encode = encode
        self._batch_size = batch_size
        self._metrics = metrics
        self._waiting: queue.SimpleQueue[
            tuple[NDArray[np.uint8], Future[NDArray[np.float32]]] | None
        ] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Walks that the encoder has not begun."""
        return self._waiting.qsize()

    def encode(self, geis_nhw: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encodes a recording's GEIs together with whatever else is waiting; blocks until done.

        Args:
            geis_nhw: at least one (H, W), 0 to 255.

        Returns:
            (N, D), each of length 1, in the same order.
        """
        entries = [(gei_hw, Future[NDArray[np.float32]]()) for gei_hw in geis_nhw]
        for entry in entries:
            self._waiting.put(entry)
        return np.stack([done.result() for _, done in entries])

    def close(self) -> None:
        """Encodes what is waiting, then ends the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            batch = []
            entry = self._waiting.get()
            while entry is not None:
                batch.append(entry)
                if len(batch) == self._batch_size:
                    break
                try:
                    entry = self._waiting.get_nowait()
                except queue.Empty:
                    break
            else:
                closing = True
            if batch:
                self._encode_batch(batch)

    def _encode_batch(
        self, batch: list[tuple[NDArray[np.uint8], Future[NDArray[np.float32]]]]
    ) -> None:
        self._metrics.batch_size.observe(len(batch))
        try:
            vectors_nd = self._encode(np.stack([gei_hw for gei_hw, _ in batch]))
        except Exception as error:  # every waiting job must hear of it, whatever it is
            for _, done in batch:
                done.set_exception(error)
            return
        for (_, done), vector_d in zip(batch, vectors_nd, strict=True):
            done.set_result(vector_d)
