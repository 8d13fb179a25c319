"""The decoding processes of this process, seen from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PATIENCE_SECONDS = 20.0


def children(process: str | int = "self") -> set[int]:
    """The process ids of a process's children."""
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def nursery() -> int:
    """The process that decoders are forked from."""
    found: list[int] = []

    def is_there() -> bool:  # a process has no arguments yet while it is being made
        found[:] = [pid for pid in children() if b"sandbox_boot" in arguments(pid)]
        return len(found) == 1

    wait_until(is_there, "one nursery")
    return found[0]


def arguments(process: int) -> bytes:
    """The command line of a process; empty of one that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def open_files() -> list[str]:
    """What this process has open, as the kernel names it."""
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own, and what other threads have closed
            found.append(str(handle.readlink()))
    return sorted(found)


def working_decoders() -> set[int]:
    """Decoders that have an upload; one more waits for the next."""
    return {pid for pid in children(nursery()) if _is_confined(pid)}


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Looks at other processes until something holds; they send no event that could be awaited."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not {what} in {_PATIENCE_SECONDS:.0f} s"
        time.sleep(0.002)


def _is_confined(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "Seccomp:\t2" in status and "\nState:\tZ" not in status
