"""Who may work at the same time: many beside each other, or one alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Company:
    """Lets threads work beside each other until one wants to be alone. Safe for threads to share.

    Who wants to be alone waits for those who have begun; nobody begins meanwhile.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._want_alone = 0

    @property
    def somebody_is_alone(self) -> bool:
        """Whether somebody is alone, or is about to be: whoever comes now has to wait."""
        return self._alone or self._want_alone > 0

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Works beside others; waits while somebody is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self.somebody_is_alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Works alone; waits for all others to end."""
        with self._changed:
            self._want_alone += 1
            self._changed.wait_for(lambda: not self._alone and self._together == 0)
            self._want_alone -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
