"""How many walks may share a forward pass, by how long one may take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from model.in_flight import Encode

_TURNS = 5


def largest_batch(
    seconds_of: Callable[[int], float], target_seconds: float, *, most_walks: int
) -> int:
    """The largest power of two whose forward pass ends in time; 1 where none does.

    Args:
        seconds_of: how long a pass of so many walks takes.
        target_seconds: how long it may take.
        most_walks: no larger batch is tried.
    """
    walks = 1
    while 2 * walks <= most_walks and seconds_of(2 * walks) <= target_seconds:
        walks *= 2
    return walks


def measured_pass(encode: Encode, height: int, width: int) -> Callable[[int], float]:
    """Measures forward passes of (N, height, width): N → median seconds of five, after a first."""

    def seconds_of(walks: int) -> float:
        geis_nhw = np.random.default_rng(0).integers(0, 256, (walks, height, width), np.uint8)
        taken = []
        for _ in range(1 + _TURNS):
            started = time.perf_counter()
            encode(geis_nhw)
            taken.append(time.perf_counter() - started)
        return statistics.median(taken[1:])

    return seconds_of
