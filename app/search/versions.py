"""A value that is replaced while others read it: readers never wait, and are never surprised."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Versions(Generic[Value]):
    """The newest version of an immutable value, and who still reads an older one.

    A search of a million templates takes tens of milliseconds. A lock between searches and
    changes would stop all others for as long; here each search keeps the version it began with,
    and only what a change leaves behind (memory that has to be overwritten) waits for the last
    reader of the versions before it. That reader does it on its way out.

    Args:
        first: the first version.
    """

    def __init__(self, first: Value) -> None:
        self._lock = threading.Lock()
        self._newest = first
        self._number = 0
        self._readers: dict[int, int] = {}  # how many, by the number of their version
        self._leftovers: list[tuple[int, Callable[[], None]]] = []

    @property
    def newest(self) -> Value:
        """The newest version, for who replaces it or needs no memory behind it."""
        return self._newest

    @contextmanager
    def reading(self) -> Iterator[Value]:
        """The newest version, of which nothing is overwritten until the end."""
        with self._lock:
            number, version = self._number, self._newest
            self._readers[number] = self._readers.get(number, 0) + 1
        try:
            yield version
        finally:
            with self._lock:
                self._readers[number] -= 1
                if not self._readers[number]:
                    del self._readers[number]
                due = self._take_due()
            for overwrite in due:
                overwrite()

    def publish(self, version: Value, *leftovers: Callable[[], None]) -> None:
        """Replaces the newest version; one caller at a time.

        Args:
            version: seen by whoever reads from now on.
            leftovers: called once nobody reads an older version, at once if nobody does.
        """
        with self._lock:
            self._newest = version
            self._number += 1
            self._leftovers += [(self._number, overwrite) for overwrite in leftovers]
            due = self._take_due()
        for overwrite in due:
            overwrite()

    def _take_due(self) -> list[Callable[[], None]]:
        oldest_read = min(self._readers, default=self._number)
        due = [overwrite for number, overwrite in self._leftovers if number <= oldest_read]
        self._leftovers = [each for each in self._leftovers if each[0] > oldest_read]
        return due
