"""CPU seconds of this process and everything it started, dead or alive (Linux).

A neighbour on the machine lengthens the time on the clock, but hardly these.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def spent_seconds() -> float:
    """What this process, its living descendants and those it has waited for have used so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + _of_the_living()


def _of_the_living() -> float:
    ticks: dict[int, int] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:  # it has ended since
            continue
        fields = text.rpartition(")")[2].split()  # proc_pid_stat(5), from field 3 on
        parents[int(folder.name)] = int(fields[1])
        ticks[int(folder.name)] = sum(int(one) for one in fields[11:15])
    total, us = 0, os.getpid()
    for process in ticks:
        above = parents[process]
        while above not in (0, us):
            above = parents.get(above, 0)
        total += ticks[process] if above == us else 0
    return total / _TICKS_PER_SECOND
