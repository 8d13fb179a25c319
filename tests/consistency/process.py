"""One of several processes on one database: `python -m tests.consistency.process URL NAME CALLS`.

Its threads enrol, erase and identify people, their own and the others', and write every call down
(`history.py`) as one line on standard output.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from app.errors import UnknownSubject
from app.registry import Registry
from app.search import GallerySearch
from app.telemetry import configure_logging
from tests.consistency.history import Event
from tests.enrolling import CHECKPOINT, enroll, unit_vector

THREADS = 3
GALLERY = "default"
_EVERYBODY = 1000


class Caller:
    """One thread's calls.

    Args:
        registry: of this process.
        search: of this process.
        name: begins the ids of the people it enrols.
    """

    def __init__(self, registry: Registry, search: GallerySearch, name: str) -> None:
        self._registry = registry
        self._search = search
        self._name = name
        self._rng = random.Random(name)  # noqa: S311 - a seed, so that a failure can be seen again
        self._made = 0

    def run(self, calls: int) -> None:
        """Makes that many calls, each written down when it is answered."""
        for _ in range(calls):
            deed = self._rng.choices(("enrol", "erase", "identify"), (4, 2, 6))[0]
            event = {"enrol": self._enrol, "erase": self._erase, "identify": self._identify}[deed]()
            if event is not None:
                _write(event)

    def _enrol(self) -> Event:
        self._made += 1
        subject = f"{self._name}-{self._made}"
        begun = time.monotonic_ns()
        done = enroll(self._registry, subject, [vector_of(subject)], gallery=GALLERY)
        return Event("enrol", subject, begun, time.monotonic_ns(), done.revision)

    def _erase(self) -> Event | None:
        subject = self._somebody()
        if subject is None:
            return None
        begun = time.monotonic_ns()
        try:
            erasure = self._registry.subjects.delete(subject, gallery=GALLERY)
        except UnknownSubject:  # another process was quicker
            return None
        return Event("erase", subject, begun, time.monotonic_ns(), erasure.revision)

    def _identify(self) -> Event | None:
        subject = self._somebody()
        if subject is None:
            return None
        begun = time.monotonic_ns()
        found = self._search.search(GALLERY, CHECKPOINT, vector_of(subject)[None], top_k=_EVERYBODY)
        named = tuple(candidate.subject for candidate in found.candidates)
        return Event("identify", subject, begun, time.monotonic_ns(), found.revision, named)

    def _somebody(self) -> str | None:
        known = self._registry.subjects.list(gallery=GALLERY, limit=500).subjects
        return self._rng.choice(known).subject if known else None


def vector_of(subject: str) -> NDArray[np.float32]:
    """The vector that a subject is enrolled with, the same in every process."""
    return unit_vector(int.from_bytes(subject.encode(), "little"))


def _write(event: Event) -> None:
    with _output:
        sys.stdout.write(event.to_line() + "\n")
        sys.stdout.flush()


_output = threading.Lock()


def main(database_url: str, name: str, calls: str) -> None:
    """Starts when a line arrives on stdin, so that all processes start together."""
    configure_logging("warning", as_json=False)  # standard output is for the history
    registry = Registry.open(database_url)
    search = GallerySearch(registry)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        callers = [Caller(registry, search, f"{name}{number}") for number in range(THREADS)]
        list(pool.map(lambda caller: caller.run(int(calls)), callers))
    registry.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
