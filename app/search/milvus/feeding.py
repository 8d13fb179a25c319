"""Bringing a collection to the revision that SQL is at: one process at a time, resumable anywhere.

The steps, and what a process that dies between them leaves behind:

1. What SQL added goes in, under the revision that is being reached. Doing it again changes nothing.
2. What SQL removed is read from the collection, where it still is, and taken off the sums. Entities
   of a later revision than the feed's were never counted (step 1 of somebody who died), so they are
   not taken off.
3. The feed is written down as being at the new revision: one row, if the lease still holds.
4. What SQL removed is deleted from the collection, and that is written down (`cleaned`). Whoever
   comes next begins with it where this is missing.

Shape letters: N templates, S subjects, D embedding size.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
import structlog
from numpy.typing import NDArray

from app.registry import Registry
from app.registry.index_feeds import Feed
from app.registry.rotation import PLAIN, Rotation
from app.registry.sealing import MasterKeys
from app.registry.template_stream import TemplateBlock
from app.registry.templates import TemplateChanges
from app.search.milvus.collections import PIECE, Collections, Entities

LEASE_SECONDS = 30.0
"""Longer than any one call to Milvus may last, so that a living process never loses it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fed:
    """A feed that is up to date.

    Attributes:
        feed: how far it is.
        rotation: what the gallery's templates are under at its revision.
    """

    feed: Feed
    rotation: Rotation


def veil_of(collection: str | None, master: str | None, keys: MasterKeys | None) -> Rotation:
    """What vectors are turned by before they leave for a collection.

    With a master key nothing leaves as it is: each collection has a secret rotation of its own,
    made of the key and the collection's name, which nobody can undo who has Milvus alone.
    """
    if master is None or keys is None or collection is None:
        return PLAIN
    return Rotation(keys.of(master).derive("collection", collection.encode()))


class Feeder:
    """Feeds collections. Its caller sees to it that no two of its threads feed the same.

    Args:
        registry: the truth.
        collections: what is fed.
        prefix: what names of new ones begin with.
        owner: names this process in leases.

    Attributes:
        deleted_from: collections that something was deleted from, for who has them purged.
    """

    def __init__(
        self, registry: Registry, collections: Collections, *, prefix: str, owner: str
    ) -> None:
        self._registry = registry
        self._feeds = registry.index_feeds
        self._collections = collections
        self._prefix = prefix
        self._owner = owner
        self.deleted_from: set[str] = set()
        # Of any feed: that another thread keeps its own late makes this one keep its own early.
        self._kept_at = float("-inf")

    def is_begun(self, feed: Feed, epoch: str | None) -> bool:
        """Whether a feed is an earlier state of what SQL holds, as far as can be told from it."""
        keys = self._registry.master_keys
        master = None if keys is None else keys.current.fingerprint
        return epoch is not None and (feed.epoch, feed.master) == (epoch, master)

    def feed(self, feed: Feed) -> Fed | None:
        """Brings a collection up to date.

        Args:
            feed: as it was taken; its lease is this process's.

        Returns:
            None when its gallery is gone; then the collection is, too.

        Raises:
            FeedLost: the lease went to another process.
            CollectionGone: begin anew (`anew`).
            IndexAway: Milvus does not answer.
        """
        epoch = self._registry.epoch()
        is_torn = feed.revision == 0 and feed.collection is not None
        if is_torn or not self.is_begun(feed, epoch):
            # Of a first feed that broke off nobody knows what of it SQL has removed since.
            feed = self.anew(feed, epoch)
        feed = self._cleaned(feed)
        began = monotonic()
        with self._registry.templates.changes(*feed.key, feed.revision) as changes:
            if changes is None:
                self.drop(feed)
                return None
            feed, tally = self._applied(feed, changes)
            rotation = changes.rotation
            removed = len(changes.removed_n)
        reached = tally.reached(feed, changes.revision)
        if removed == 0:
            reached = replace(reached, cleaned=reached.revision)
        if (reached.revision, reached.cleaned) != (feed.revision, feed.cleaned):
            self._feeds.write(reached, self._owner)
        if feed.revision == 0 and reached.templates:
            _log.info(
                "a collection is fed",
                collection=reached.collection,
                templates=reached.templates,
                seconds=round(monotonic() - began, 2),
            )
        return Fed(self._cleaned(reached), rotation)

    def anew(self, feed: Feed, epoch: str) -> Feed:
        """Drops what there is and begins at nothing.

        Raises:
            FeedLost, IndexAway: as in `feed`.
        """
        if feed.collection is not None:
            _log.warning("a collection is made anew", collection=feed.collection)
            self._collections.drop(feed.collection)
        keys = self._registry.master_keys
        master = None if keys is None else keys.current.fingerprint
        begun = Feed(*feed.key, epoch=epoch, master=master)
        self._feeds.write(begun, self._owner)
        return begun

    def drop(self, feed: Feed) -> None:
        """Removes a collection and its feed."""
        if feed.collection is not None:
            self._collections.drop(feed.collection)
        self._feeds.forget(feed, self._owner)

    def _applied(self, feed: Feed, changes: TemplateChanges) -> tuple[Feed, _Tally]:
        """Steps 1 and 2; the feed with its collection, which the first template brings."""
        tally = _Tally(feed)
        for block in changes.added:
            if feed.collection is None:
                feed = self._created(feed, block.vectors_nd.shape[1])
            veil = veil_of(feed.collection, feed.master, self._registry.master_keys)
            vectors_nd = veil.turned(block.vectors_nd)
            self._collections.upsert(
                str(feed.collection),
                block.templates_n,
                block.subjects_n,
                vectors_nd,
                changes.revision,
            )
            tally.add(block, vectors_nd)
            self._keep(feed)
        if feed.collection is not None:
            for piece_n in _pieces(changes.removed_n):
                entities = self._collections.fetch(feed.collection, piece_n)
                if entities is not None:
                    tally.remove(entities)
                self._keep(feed)
        tally.count_subjects(changes)
        return feed, tally

    def _created(self, feed: Feed, dimensions: int) -> Feed:
        """With a new collection: its name is written down first, so that none is ever lost."""
        name = f"{self._prefix}_{feed.gallery_id}_{secrets.token_hex(8)}"
        named = replace(feed, collection=name)
        self._feeds.write(named, self._owner)
        self._collections.create(name, dimensions)
        return named

    def _cleaned(self, feed: Feed) -> Feed:
        """Step 4."""
        if feed.cleaned == feed.revision:
            return feed
        removed_n = self._registry.templates.removed(feed.gallery_id, feed.cleaned, feed.revision)
        if feed.collection is not None:
            for piece_n in _pieces(removed_n):
                self._collections.delete(feed.collection, piece_n)
                self.deleted_from.add(feed.collection)
                self._keep(feed)
        cleaned = replace(feed, cleaned=feed.revision)
        self._feeds.write(cleaned, self._owner)
        return cleaned

    def _keep(self, feed: Feed) -> None:
        """Prolongs the lease when a third of it is over."""
        if monotonic() - self._kept_at > LEASE_SECONDS / 3:
            self._feeds.renew(feed, self._owner, LEASE_SECONDS)
            self._kept_at = monotonic()


class _Tally:
    """What a feed counts, while it goes from one revision to the next."""

    def __init__(self, feed: Feed) -> None:
        self._since = feed.revision
        self._templates = feed.templates
        self._subjects = feed.subjects
        self._sums_d = feed.sums_d.copy()
        self._came: list[NDArray[np.int64]] = []  # subjects
        self._went: list[NDArray[np.int64]] = []

    def add(self, block: TemplateBlock, vectors_nd: NDArray[np.float32]) -> None:
        if len(self._sums_d) == 0:
            self._sums_d = np.zeros(vectors_nd.shape[1], dtype=np.float64)
        self._sums_d += vectors_nd.sum(axis=0, dtype=np.float64)
        self._templates += len(block.templates_n)
        self._came.append(np.unique(block.subjects_n))

    def remove(self, entities: Entities) -> None:
        counted_n = entities.revisions_n <= self._since
        self._sums_d -= entities.vectors_nd[counted_n].sum(axis=0, dtype=np.float64)
        self._templates -= int(counted_n.sum())
        self._went.append(np.unique(entities.subjects_n[counted_n]))

    def count_subjects(self, changes: TemplateChanges) -> None:
        came_s, went_s = _together(self._came), _together(self._went)
        stayed_s = changes.with_older(np.union1d(came_s, went_s))
        after, before = np.union1d(stayed_s, came_s), np.union1d(stayed_s, went_s)
        self._subjects += len(after) - len(before)

    def reached(self, feed: Feed, revision: int) -> Feed:
        return replace(
            feed,
            revision=revision,
            templates=self._templates,
            subjects=self._subjects,
            # Of nobody there is no sum, not even what rounding left of it.
            sums_d=self._sums_d if self._templates else np.zeros(0, dtype=np.float64),
        )


def _pieces(templates_n: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(templates_n), PIECE):
        yield templates_n[start : start + PIECE]


def _together(numbers: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate(numbers)) if numbers else np.zeros(0, dtype=np.int64)
