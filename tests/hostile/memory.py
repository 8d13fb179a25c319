"""What this process holds."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

MOST_KEPT_BYTES = 48 * 2**20
"""By a process whose libraries warm up while a test runs."""


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def is_back_at(before_bytes: int) -> bool:
    """Whether this process holds no more than it did, or has since warmed up to."""
    if resident_bytes() - before_bytes >= MOST_KEPT_BYTES:
        gc.collect()  # takes a while; seldom needed
    return resident_bytes() - before_bytes < MOST_KEPT_BYTES
