"""All indexes of one process, in step with SQL: loaded, brought up to date, tidied, saved.

Each search first asks SQL for the gallery's revision and applies what the index lacks, so an
enrolment that was acknowledged anywhere is found, and what was erased anywhere is not.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from time import monotonic

import structlog

from app import failpoints
from app.outages import outage_of
from app.registry import Registry
from app.search.draft import OutOfStep
from app.search.index import TemplateIndex
from app.search.saving import Saving
from app.search.snapshots import Snapshots

_log = structlog.get_logger(__name__)

Key = tuple[int, str]
"""A gallery's number and a checkpoint's id."""


@dataclass(frozen=True, slots=True)
class _Held:
    """An index, the history that its revisions count in, and what is on disk of it."""

    index: TemplateIndex
    epoch: str
    saving: Saving


class Indexes:
    """One index per gallery and checkpoint that was ever asked for. Safe for threads to share.

    Args:
        registry: the truth.
        snapshots: where a start finds what it would otherwise read from SQL; None for nowhere.
        approximate: have large indexes score only templates that seem close.
    """

    knows_spread = True

    def __init__(
        self, registry: Registry, *, snapshots: Snapshots | None, approximate: bool
    ) -> None:
        self._registry = registry
        self._templates = registry.templates
        self._snapshots = snapshots
        self._approximate = approximate
        self._indexes: dict[Key, _Held] = {}
        self._turns: dict[Key, threading.Lock] = {}
        self._looked_after: set[Key] = set()
        self._lock = threading.Lock()
        self._lag = 0
        # One thread: upkeep takes one core at most, and none from searches of another index.
        self._upkeep = ThreadPoolExecutor(1, thread_name_prefix="index-upkeep")
        self._least_saved = sys.maxsize
        if snapshots is not None:
            self._least_saved = snapshots.least_templates
            snapshots.discard_outdated()
            registry.on_erasure(snapshots.discard_outdated)

    def up_to_date(self, gallery_name: str, checkpoint_id: str) -> TemplateIndex:
        """An index that holds all that SQL holds at this moment.

        Raises:
            UnknownGallery: there is none.
        """
        while True:
            now = self._templates.revision(gallery_name)
            key = (now.gallery_id, checkpoint_id)
            with self._lock:
                held = self._indexes.get(key)
            if held is not None and held.epoch == now.epoch and held.index.revision >= now.revision:
                return held.index
            index = self._sync(key)
            if index is not None:
                return index
            # The gallery was deleted in between; asking again says so.

    def refresh(self) -> None:
        """Brings every index up to date and drops those of deleted galleries.

        To be called now and then: what was erased elsewhere leaves this process's memory, and the
        disk, even when nobody searches.
        """
        if self._snapshots is not None:
            self._snapshots.discard_outdated()
        with self._lock:
            everything = list(self._indexes.items())
        if not everything:
            self._lag = 0
            return
        now, epoch = self._templates.revisions(), self._registry.epoch()
        # One may be ahead: of this answer, by a search just now, or of SQL after a restore.
        self._lag = max(
            0,
            *(
                now.get(key[0], held.index.revision) - held.index.revision
                for key, held in everything
            ),
        )
        for key, held in everything:
            if held.epoch != epoch or now.get(key[0]) != held.index.revision:
                self._sync(key)
            else:
                self._look_after(key, held)

    def hold(self, checkpoint_ids: Collection[str]) -> None:
        """Holds the indexes of these checkpoints, each of every gallery that is held by any.

        The index of a checkpoint that is about to serve is thereby complete before it does.

        Args:
            checkpoint_ids: those that serve or are being made ready.
        """
        with self._lock:
            gallery_ids = {gallery_id for gallery_id, _ in self._indexes}
            for key in [key for key in self._indexes if key[1] not in checkpoint_ids]:
                del self._indexes[key]
            missing = set(product(gallery_ids, checkpoint_ids)) - self._indexes.keys()
        for key in sorted(missing):
            self._sync(key)

    def sizes(self) -> dict[Key, int]:
        """Templates in memory."""
        with self._lock:
            return {key: len(held.index) for key, held in self._indexes.items()}

    @property
    def lag(self) -> int:
        """Changes that the index furthest behind had to catch up with, at the last `refresh`."""
        return self._lag

    @property
    def outage(self) -> None:
        """None: what is in memory answers."""

    def close(self) -> None:
        """Ends the upkeep and saves what changed since it was saved last."""
        self._upkeep.shutdown(wait=True, cancel_futures=True)
        for key, held in list(self._indexes.items()):
            if held.saving.at_close(held.index.mark):
                self._save(key, held)

    def _sync(self, key: Key) -> TemplateIndex | None:
        """Applies what an index lacks, one thread at a time; None when its gallery is gone."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            epoch = self._registry.epoch()
            with self._lock:
                known = self._indexes.get(key)
            held = known if known and known.epoch == epoch else self._begin(key, epoch)
            try:
                exists = self._catch_up(key, held.index, is_new=held is not known)
            except OutOfStep as reason:
                _log.warning("an index is made anew", gallery=key[0], reason=str(reason))
                if self._snapshots is not None:
                    self._snapshots.discard(*key, str(reason))
                held = self._new(epoch)
                exists = self._catch_up(key, held.index, is_new=True)
            with self._lock:
                if not exists:
                    self._indexes.pop(key, None)
                    self._turns.pop(key, None)
                    return None
                self._indexes[key] = held
        self._look_after(key, held)
        return held.index

    def _begin(self, key: Key, epoch: str) -> _Held:
        """An index to apply changes to: of a snapshot, or empty."""
        view = None if self._snapshots is None else self._snapshots.load(*key, epoch=epoch)
        if view is None:
            return self._new(epoch)
        index = TemplateIndex(approximate=self._approximate, view=view)
        return _Held(index, epoch, Saving(self._least_saved, view.mark))

    def _new(self, epoch: str) -> _Held:
        index = TemplateIndex(approximate=self._approximate)
        return _Held(index, epoch, Saving(self._least_saved))

    def _catch_up(self, key: Key, index: TemplateIndex, *, is_new: bool) -> bool:
        """Applies what SQL has and an index lacks; False when there is no such gallery.

        A new index is counted beside SQL: what it was read from may be a file.

        Raises:
            OutOfStep: the index is not an earlier state of what SQL holds.
        """
        began, source = monotonic(), "snapshot" if index.revision else "SQL"
        with self._templates.changes(*key, index.revision, counted=is_new) as changes:
            if changes is None:
                return False
            failpoints.reach(failpoints.BEFORE_INDEX)
            index.apply(changes)
            if changes.held not in (None, len(index)):
                raise OutOfStep(f"it holds {len(index)} templates, SQL {changes.held}")
        if is_new:
            _log.info(
                "an index is loaded",
                gallery=key[0],
                checkpoint=key[1],
                templates=len(index),
                source=source,
                seconds=round(monotonic() - began, 2),
            )
        return True

    def _look_after(self, key: Key, held: _Held) -> None:
        """Has upkeep done by its own thread, if any is due."""
        if not held.index.untidy and not held.saving.due(held.index.mark):
            return
        with self._lock:
            if key in self._looked_after:
                return
            self._looked_after.add(key)
        try:
            self._upkeep.submit(self._keep_up, key, held)
        except RuntimeError:  # closed
            return

    def _keep_up(self, key: Key, held: _Held) -> None:
        try:
            while held.index.tidy():
                pass
            if held.saving.due(held.index.mark):
                self._save(key, held)
        except Exception as error:  # a full disk must not end the thread
            outage = outage_of(error)
            if outage is None:
                _log.exception("the upkeep of an index failed", gallery=key[0])
            else:
                _log.warning("an index is not saved", gallery=key[0], reason=outage.detail)
        finally:
            with self._lock:
                self._looked_after.discard(key)

    def _save(self, key: Key, held: _Held) -> None:
        if self._snapshots is None:
            return
        held.saving.tried()
        saved = self._snapshots.save(*key, held.index, epoch=held.epoch)
        if saved is not None:
            held.saving.done(saved)
