"""What the periodic look does for uploads: nothing is left lying, and nobody is taken for dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import monotonic

import structlog

from app.outages import outage_of
from app.registry import Registry
from app.worker.storage import UploadStorage

# Seconds between looks of a thread of its own.
_EVERY_SECONDS = 1.0
# An upload of ours whose job was failed by somebody else is noticed this late.
_TIDY_EVERY_SECONDS = 30.0
_SIGN_EVERY_SECONDS = 60.0
# What processes elsewhere left has lain there for an hour at least.
_ORPHANS_EVERY_SECONDS = 300.0

_log = structlog.get_logger(__name__)


class UploadUpkeep:
    """Keeps the storage tidy. Where it is away, jobs and leases must not wait for it: what could
    not be done is tried again at the next look.

    Args:
        registry: knows which uploads are needed.
        storage: where they lie.
    """

    def __init__(self, registry: Registry, storage: UploadStorage) -> None:
        self._registry = registry
        self._storage = storage
        self._tidied = self._sign_given = self._orphans_removed = float("-inf")
        self._outage = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Goes on in a thread of its own where a network is waited for: leases do not wait."""
        if self._storage.is_shared:
            self._thread = threading.Thread(target=self._run, name="upload-upkeep", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Does what is due, unless a thread does so anyway."""
        if self._thread is None:
            self._do_what_is_due()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                self._do_what_is_due()
            except Exception:
                _log.exception("the upkeep of uploads failed")

    def _do_what_is_due(self) -> None:
        with self._bearing_outages():
            if _is_due(self._sign_given, _SIGN_EVERY_SECONDS):
                self._storage.give_sign()
                self._sign_given = monotonic()
            if self._storage.owes_removals or _is_due(self._tidied, _TIDY_EVERY_SECONDS):
                self._storage.remove_unneeded(self._needed)
                self._tidied = monotonic()
            if _is_due(self._orphans_removed, _ORPHANS_EVERY_SECONDS):
                removed = self._storage.remove_orphans(self._needed)
                if removed:
                    _log.warning("uploads that nobody had claimed are gone", uploads=removed)
                self._orphans_removed = monotonic()
            self._note_outage("")

    def tidy_after(self, dead: Collection[str], is_registered: Callable[[str], bool]) -> None:
        """Removes what instances of this data folder left.

        Args:
            dead: those that are known to have died.
            is_registered: whether an instance lives.
        """
        left = self._storage.left_by(dead, is_registered)
        if not left:
            return
        keep = set(self._needed())
        for instance_id in left:
            with self._bearing_outages():
                self._storage.tidy(instance_id, keep)

    def _needed(self) -> Collection[str]:
        return self._registry.jobs.referenced_uploads()

    @contextmanager
    def _bearing_outages(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            outage = outage_of(error)
            if outage is None:
                raise
            self._note_outage(outage.detail)

    def _note_outage(self, reason: str) -> None:
        """Tells the log when it begins and ends, not at every look."""
        if reason and reason != self._outage:
            _log.error("the storage of uploads has to be tidied later", reason=reason)
        elif self._outage and not reason:
            _log.warning("the storage of uploads answers again")
        self._outage = reason


def _is_due(last: float, every_seconds: float) -> bool:
    return monotonic() - last > every_seconds
