"""Concurrent jobs share one forward pass.

No walk ever waits for a clock: when the encoder is free it takes whatever is waiting, up to the
batch size. One alone goes alone; under load the batches fill by themselves. Where the encoder
computes elsewhere, on a GPU, the next batch is begun while one is in flight.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.telemetry import Metrics
from model.in_flight import Begin, Vectors


@dataclass(frozen=True, slots=True)
class _Entry:
    """A walk that waits: its GEI (H, W), and who gets its vector (D,)."""

    gei_hw: NDArray[np.uint8]
    done: Future[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _Begun:
    """A batch in flight."""

    entries: list[_Entry]
    vectors: Vectors


class Batcher:
    """The one thread that calls the encoder.

    Args:
        begin: begins GEIs (N, H, W) and answers how to wait for their unit vectors (N, D); both
            are called by this thread only.
        batch_size: most walks in one call.
        metrics: receives the batch sizes.
        in_flight: batches begun, while there is work, before the first of them is waited for.
    """

    def __init__(
        self, begin: Begin, batch_size: int, metrics: Metrics, *, in_flight: int = 1
    ) -> None:
        self._begin = begin
        self._in_flight = in_flight
        self._batch_size = batch_size
        self._metrics = metrics
        self._waiting: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._closing = False
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
        entries = [_Entry(gei_hw, Future()) for gei_hw in geis_nhw]
        for entry in entries:
            self._waiting.put(entry)
        return np.stack([entry.done.result() for entry in entries])

    def close(self) -> None:
        """Encodes what is waiting, then ends the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        begun: deque[_Begun] = deque()
        while not self._closing or begun:
            entries = self._take(waits=not begun)
            if entries:
                begun.extend(self._begun(entries))
            if begun and (not entries or len(begun) == self._in_flight):
                self._deliver(begun.popleft())

    def _take(self, *, waits: bool) -> list[_Entry]:
        """What is waiting, up to the batch size; waits for the first one or not."""
        entries: list[_Entry] = []
        while not self._closing and len(entries) < self._batch_size:
            try:
                entry = self._waiting.get(block=waits and not entries)
            except queue.Empty:
                break
            if entry is None:
                self._closing = True
            else:
                entries.append(entry)
        return entries

    def _begun(self, entries: list[_Entry]) -> list[_Begun]:
        """The batch, unless it failed already."""
        self._metrics.batch_size.observe(len(entries))
        try:
            return [_Begun(entries, self._begin(np.stack([entry.gei_hw for entry in entries])))]
        except Exception as error:  # every waiting job must hear of it, whatever it is
            _fail(entries, error)
            return []

    def _deliver(self, batch: _Begun) -> None:
        try:
            vectors_nd = batch.vectors()
        except Exception as error:  # the same
            _fail(batch.entries, error)
            return
        for entry, vector_d in zip(batch.entries, vectors_nd, strict=True):
            entry.done.set_result(vector_d)


def _fail(entries: list[_Entry], error: Exception) -> None:
    for entry in entries:
        entry.done.set_exception(error)
