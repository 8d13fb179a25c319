"""A process that notes: its arguments are a database URL, a key file, a name and a count."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.registry import Registry
from app.registry.acting import acting_as
from app.registry.signing import open_signer

THREADS = 4


def main(database_url: str, key_file: str, name: str, count: str) -> None:
    """Begins when a line arrives on stdin; four threads note so many entries each."""
    registry = Registry.open(database_url, signer=open_signer(Path(key_file)))

    def append(thread: int) -> None:
        with acting_as(f"key:{name}-{thread}"):
            for number in range(int(count)):
                registry.audit.note("subject.changed", subject=number)

    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(append, range(THREADS)))
    registry.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
