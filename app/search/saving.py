"""When an index is worth writing to disk again."""

from __future__ import annotations

from time import monotonic

from app.search.view import Mark

_EVERY_SECONDS = 300.0
"""Between two attempts: a million templates are half a gigabyte or more to write."""
_CHANGED_SHARE = 0.05
"""Of the templates: so many a start reads from SQL beside the snapshot without being felt."""


class Saving:
    """What is on disk of one index, as far as this process knows.

    Args:
        least_templates: smaller indexes are not saved.
        saved: how far the index is that was just read from disk, if it was.
    """

    def __init__(self, least_templates: int, saved: Mark | None = None) -> None:
        self._least_templates = least_templates
        self._saved = saved
        self._tried_at = float("-inf")

    def tried(self) -> None:
        """Notes that the index is being saved now, whatever comes of it."""
        self._tried_at = monotonic()

    def done(self, saved: Mark) -> None:
        """Notes how far the index was when it was saved."""
        self._saved = saved

    def due(self, now: Mark) -> bool:
        """Whether to save while the service runs."""
        if not self.at_close(now) or monotonic() - self._tried_at < _EVERY_SECONDS:
            return False
        if self._saved is None or self._saved.removals != now.removals:
            return True  # there is none: what was removed may not stay on disk
        return now.added - self._saved.added > _CHANGED_SHARE * now.templates

    def at_close(self, now: Mark) -> bool:
        """Whether to save when the service ends."""
        is_saved = self._saved is not None and self._saved.revision == now.revision
        return now.templates >= self._least_templates and not is_saved
