"""Batches that are begun before the ones ahead of them are done.

A GPU computes by itself: whoever begins the next batch before waiting for the last one keeps it
busy. A CPU is busy with the one it has.

Shape letters: N walks, H rows, W columns, D embedding size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Encode: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
# Waits for the vectors of a batch that was begun: () → (N, D). Raises what went wrong with it.
Vectors: TypeAlias = Callable[[], NDArray[np.float32]]
# Begins a batch: (N, H, W) → its `Vectors`.
Begin: TypeAlias = Callable[[NDArray[np.uint8]], Vectors]


def at_once(encode: Encode) -> Begin:
    """The way to begin a batch where beginning is all there is: its vectors are there at once."""

    def begin(geis_nhw: NDArray[np.uint8]) -> Vectors:
        vectors_nd = encode(geis_nhw)
        return lambda: vectors_nd

    return begin


def in_turn(
    begin: Begin, batches: Iterable[NDArray[np.uint8]], in_flight: int
) -> Iterator[NDArray[np.float32]]:
    """The vectors of each batch, in order.

    Args:
        begin: how a batch is begun.
        batches: each (N, H, W); taken one by one, when there is room.
        in_flight: how many are begun before the first of them is waited for, ≥ 1.
    """
    begun: deque[Vectors] = deque()
    for geis_nhw in batches:
        begun.append(begin(geis_nhw))
        if len(begun) == in_flight:
            yield begun.popleft()()
    while begun:
        yield begun.popleft()()
