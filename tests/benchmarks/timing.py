"""Turns and medians: several calls timed one after the other, over and over.

What is taken is the CPU time of this process, not the clock on the wall: on one thread both are
the same on a free core, and a neighbour on the machine lengthens only the second.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def cpu_milliseconds(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU milliseconds of each call; all take one turn per round, after one to warm up."""
    return interleaved_milliseconds(calls, rounds, time.process_time)


def interleaved_milliseconds(
    calls: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """The same by any clock that counts seconds."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-1, rounds):
        for name, call in calls.items():
            started = clock()
            call()
            if turn >= 0:
                taken[name].append(1000.0 * (clock() - started))
    return {name: statistics.median(each) for name, each in taken.items()}
