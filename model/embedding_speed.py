"""How long the network takes, measured while it is evaluated.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.encoder import ENCODE_AT_ONCE
from model.in_flight import Encode

_SINGLES = 50


@dataclass(frozen=True, slots=True)
class EmbeddingSpeed:
    """Milliseconds for one GEI; of repeated measurements the median and the middle half.

    Attributes:
        one_ms: median of GEIs embedded one at a time.
        one_low_ms: a quarter took less.
        one_high_ms: a quarter took more.
        ones: measurements.
        batched_ms: median over whole batches, for each GEI of them; nan without a whole batch.
        batch: GEIs in a whole batch.
        batches: measurements.
    """

    one_ms: float
    one_low_ms: float
    one_high_ms: float
    ones: int
    batched_ms: float
    batch: int
    batches: int


class TimedEncode:
    """An encoder that notes how long its batches take.

    Args:
        encode: uint8 (N, H, W) → float32 (N, D).
    """

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._batch_seconds: list[float] = []
        self._seen_nhw: NDArray[np.uint8] | None = None

    def __call__(self, geis_nhw: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeds as the encoder does."""
        begun = time.perf_counter()
        vectors_nd = self._encode(geis_nhw)
        if len(geis_nhw) == ENCODE_AT_ONCE:
            self._batch_seconds.append(time.perf_counter() - begun)
        self._seen_nhw = geis_nhw[:_SINGLES]
        return vectors_nd

    def speed(self) -> EmbeddingSpeed | None:
        """Measures GEIs one at a time beside the batches so far; None if nothing was embedded."""
        if self._seen_nhw is None or len(self._seen_nhw) == 0:
            return None
        seconds = []
        for number in range(_SINGLES + 1):
            place = number % len(self._seen_nhw)
            begun = time.perf_counter()
            self._encode(self._seen_nhw[place : place + 1])
            seconds.append(time.perf_counter() - begun)
        milliseconds = 1000.0 * np.array(seconds[1:])  # the first prepares the size of the batch
        low, middle, high = np.quantile(milliseconds, (0.25, 0.5, 0.75)).tolist()
        batched = float("nan")
        if self._batch_seconds:
            batched = 1000.0 * float(np.median(self._batch_seconds)) / ENCODE_AT_ONCE
        return EmbeddingSpeed(
            one_ms=middle,
            one_low_ms=low,
            one_high_ms=high,
            ones=len(milliseconds),
            batched_ms=batched,
            batch=ENCODE_AT_ONCE,
            batches=len(self._batch_seconds),
        )
