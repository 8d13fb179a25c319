"""Named moments at which a test can kill this process; at any other time they do nothing.

`WALKPRINT_FAILPOINT=after-commit:3` kills the process (SIGKILL, no clean-up of any kind) at the
third commit it makes. The crash tests restart it and look at what is left (tests/crash).
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

BEFORE_COMMIT: Final = "before-commit"
AFTER_COMMIT: Final = "after-commit"
BEFORE_INDEX: Final = "before-index"
"""What was committed has been read, and the index in memory does not have it yet."""
MID_SNAPSHOT: Final = "mid-snapshot"
MID_UPLOAD: Final = "mid-upload"
"""Some of an upload is in storage, and more of it may come."""
MID_JOB: Final = "mid-job"
"""A job is claimed and its work has not begun."""
MID_LEASE: Final = "mid-lease"
"""A job's work is done and its end is being written."""
MID_REEMBEDDING: Final = "mid-reembedding"
"""Walks are embedded by a new checkpoint, and their templates are not written yet."""
ERASURE_ASKED: Final = "erasure-asked"
"""An erasure is written down as asked for, and not begun."""
MID_ERASURE: Final = "mid-erasure"
"""Everything is deleted and nothing is committed."""
AFTER_ERASURE: Final = "after-erasure"
"""An erasure is committed; the write-ahead log, snapshots and uploads may hold copies."""
BEFORE_DISCARD: Final = "before-discard"
"""Log and snapshots are clean; uploads of jobs that were erased may be there."""
MID_SCRUB: Final = "mid-scrub"
"""The database file is rewritten, and that is not written down."""

ALL: Final = (
    BEFORE_COMMIT,
    AFTER_COMMIT,
    BEFORE_INDEX,
    MID_SNAPSHOT,
    MID_UPLOAD,
    MID_JOB,
    MID_LEASE,
    MID_REEMBEDDING,
    ERASURE_ASKED,
    MID_ERASURE,
    AFTER_ERASURE,
    BEFORE_DISCARD,
    MID_SCRUB,
)


class _Trap:
    """Counts down the visits of one failpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._visits = 0

    def arm(self, name: str, visits: int) -> None:
        with self._lock:
            self._name, self._visits = name, visits

    def visit(self, name: str) -> None:
        if name != self._name:
            return
        with self._lock:
            self._visits -= 1
            if self._visits == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_trap = _Trap()


def arm(name: str, visits: int = 1) -> None:
    """Has the process die at the given visit of a failpoint, in place of any set before.

    Raises:
        ValueError: there is no failpoint of this name, or `visits` is less than 1.
    """
    if name not in ALL or visits < 1:
        msg = f"no such failpoint: {name}:{visits}; there are {', '.join(ALL)}"
        raise ValueError(msg)
    _trap.arm(name, visits)


def reach(name: str) -> None:
    """Dies here when a test wants it; else returns at once."""
    _trap.visit(name)


def arm_from_environment() -> None:
    """Reads `WALKPRINT_FAILPOINT`, `name` or `name:visits`, where it is set.

    Raises:
        ValueError: there is no failpoint of this name.
    """
    wanted = os.environ.get("WALKPRINT_FAILPOINT")
    if wanted:
        name, _, visits = wanted.partition(":")
        arm(name, int(visits or 1))
