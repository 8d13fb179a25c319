"""How many long calls of a kind one process serves at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import TooBusy


class Turns:
    """Turns that are taken and given back. Used from the event loop only.

    Args:
        most: at one time.
        what: that waits, for the answer to whoever comes next.
    """

    def __init__(self, most: int, what: str) -> None:
        self._free = most
        self._most = most
        self._what = what

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Takes a turn until the block ends.

        Raises:
            TooBusy: all are taken.
        """
        if self._free == 0:
            raise TooBusy(
                f"{self._most} {self._what} are under way, as many as are served at once.",
                retry_after_seconds=30,
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
