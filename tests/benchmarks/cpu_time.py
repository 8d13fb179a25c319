"""Processor time of processes, as the system counts it (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, its threads that have ended included."""
    return sum(_ticks(pid)[:2]) / _TICKS


def family_cpu_seconds(pids: Iterable[int]) -> float:
    """The same of several processes, with their children and children's children.

    Those who have ended are counted by whoever waited for them.
    """
    return sum(sum(_ticks(each)) for pid in pids for each in _family(pid)) / _TICKS


def _ticks(pid: int) -> tuple[int, int, int, int]:
    """User, system, and both of the children that it waited for; zeros where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0, 0, 0
    user, system, of_children, in_children = map(int, fields[11:15])
    return user, system, of_children, in_children


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            names = children.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended
        for child in names:
            yield from _family(int(child))
