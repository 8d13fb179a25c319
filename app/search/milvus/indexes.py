"""All indexes of a service in one Milvus, which its processes share."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import structlog

from app.outages import Outage
from app.registry import Registry
from app.registry.index_feeds import Feed, FeedLost
from app.search.milvus.collections import Collections
from app.search.milvus.connection import CollectionGone, IndexAway, IndexBehind, Server
from app.search.milvus.feeding import LEASE_SECONDS, Fed, Feeder, veil_of
from app.search.milvus.index import MilvusIndex

Key = tuple[int, str]
"""A gallery's number and a checkpoint's id."""

_WAIT_SECONDS = 10.0
"""How long a search waits for another process that feeds the collection."""
_LOOK_EVERY_SECONDS = 0.02
_ROUND_EVERY_SECONDS = 300.0
_CROWD = 1000
"""Subjects from which on a sum of vectors tells of nobody (as with FAISS's codebooks)."""
_SLACK = {"flat": 1e-5, "hnsw": 1e-5, "ivf_sq8": 0.02}
"""By how much Milvus's scores may be wrong: float32 rounding; a byte for each value."""

_log = structlog.get_logger(__name__)


class MilvusIndexes:
    """One collection per gallery and checkpoint. Safe for threads to share.

    Args:
        registry: the truth.
        server: the Milvus.
        wait_seconds: how long a search waits for another process that feeds.
    """

    # A collection tells no sample of the others; what is known of them all is a sum.
    knows_spread = False

    def __init__(
        self, registry: Registry, server: Server, *, wait_seconds: float = _WAIT_SECONDS
    ) -> None:
        self._registry = registry
        self._feeds = registry.index_feeds
        self._server = server
        self._wait_seconds = wait_seconds
        self._owner = str(uuid.uuid4())
        self._collections = Collections(server)
        self._feeder = Feeder(registry, self._collections, prefix=server.prefix, owner=self._owner)
        self._turns: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()
        self._checkpoints: frozenset[str] | None = None
        self._retired: set[Key] = set()
        self._outage: IndexAway | None = None
        self._lag = 0
        self._round_at = monotonic() + _ROUND_EVERY_SECONDS
        registry.on_erasure(self._follow_erasure)

    def up_to_date(self, gallery_name: str, checkpoint_id: str) -> MilvusIndex:
        """An index that holds all that SQL holds at this moment.

        Raises:
            UnknownGallery: there is none.
            IndexAway: Milvus does not answer.
            IndexBehind: it is being fed, and that takes longer.
        """
        while True:
            gallery_id = self._registry.templates.revision(gallery_name).gallery_id
            fed = self._brought((gallery_id, checkpoint_id), self._wait_seconds)
            if fed is not None:
                return self._index(fed)
            # The gallery was deleted in between; asking again says so.

    def refresh(self) -> None:
        """Brings every collection up to date; now and then looks whether all are as they should be.

        To be called now and then by every process: what was erased leaves Milvus even where nobody
        searches, and where the process died that erased it.
        """
        self._lag = self._feeds.lag()
        try:
            self._collections.ping()
            for key in self._feeds.behind():
                with suppress(IndexBehind):  # somebody is at it
                    self._brought(key, 0.0)
            if monotonic() >= self._round_at:
                self.look_round()
        except IndexAway as outage:
            self._outage = outage
        else:
            self._outage = None

    def look_round(self) -> None:
        """Counts what every collection holds, and drops those that nobody needs.

        Those that something was deleted from are written anew by Milvus, without it.
        """
        self._round_at = monotonic() + _ROUND_EVERY_SECONDS
        retired = set()
        for key in self._feeds.known():
            if self._checkpoints is not None and key[1] not in self._checkpoints:
                retired.add(key)
            with self._turn(key, 0.0) as feed:
                if feed is None:
                    continue
                if key in self._retired & retired:
                    self._feeder.drop(feed)
                else:
                    self._check(feed)
        self._retired = retired
        # Asked in this order: a name is written down before its collection is made.
        there = self._collections.names()
        for name in there - self._feeds.collections():
            _log.warning("a collection that nobody knows is dropped", collection=name)
            self._collections.drop(name)
        while self._feeder.deleted_from:
            with suppress(CollectionGone):
                self._collections.purge(self._feeder.deleted_from.pop())

    def hold(self, checkpoint_ids: Collection[str]) -> None:
        """Feeds what these checkpoints lack, in every gallery that has a collection.

        Those of other checkpoints are dropped when that has been so at two looks round.
        """
        self._checkpoints = frozenset(checkpoint_ids)
        there = self._feeds.known()
        galleries = {gallery_id for gallery_id, _ in there}
        for gallery_id in sorted(galleries):
            for checkpoint_id in sorted(self._checkpoints):
                if (gallery_id, checkpoint_id) not in there:
                    self._brought((gallery_id, checkpoint_id), 0.0)

    def sizes(self) -> dict[Key, int]:
        """Templates in Milvus."""
        return self._feeds.sizes()

    @property
    def lag(self) -> int:
        """Changes that the collection furthest behind had to catch up with, at the last `refresh`;
        it grows while Milvus does not answer."""
        return self._lag

    @property
    def outage(self) -> Outage | None:
        """Why Milvus could not be asked at the last `refresh`; None where it could."""
        return self._outage

    def close(self) -> None:
        """Ends the connection."""
        self._server.close()

    def _index(self, fed: Fed) -> MilvusIndex:
        feed = fed.feed
        return MilvusIndex(
            self._registry,
            self._collections,
            feed,
            fed.rotation,
            veil_of(feed.collection, feed.master, self._registry.master_keys),
            _SLACK[self._server.kind],
            self._make_anew,
        )

    def _make_anew(self, lost: Feed) -> None:
        """Has a collection made again that is not there, unless somebody did."""
        with self._turn(lost.key, self._wait_seconds) as feed:
            if feed is not None and feed.collection == lost.collection:
                self._fed(self._feeder.anew(feed, self._registry.epoch()))

    def _brought(self, key: Key, wait_seconds: float) -> Fed | None:
        """A feed that is at SQL's revision or was, after this was called; None without gallery."""
        until = monotonic() + wait_seconds
        while True:
            now = self._feeds.now(*key)
            if now is None:
                with self._turn(key, 0.0) as feed:
                    if feed is not None:
                        self._feeder.drop(feed)
                return None
            feed = now.feed
            if (
                feed is not None
                and self._feeder.is_begun(feed, now.epoch)
                and feed.revision == now.revision
                and feed.cleaned == feed.revision
            ):
                return Fed(feed, now.rotation)
            with self._turn(key, max(0.0, until - monotonic())) as mine:
                if mine is not None:
                    try:
                        return self._fed(mine)
                    except FeedLost:
                        _log.warning("another process feeds a collection now", gallery=key[0])
            if monotonic() >= until:
                raise IndexBehind(
                    "Another process is bringing the gallery's index up to date; it has not"
                    " come far enough yet."
                )
            sleep(_LOOK_EVERY_SECONDS)

    def _fed(self, feed: Feed) -> Fed | None:
        try:
            return self._feeder.feed(feed)
        except CollectionGone:
            _log.warning("a collection is gone", collection=feed.collection)
            return self._feeder.feed(self._feeder.anew(feed, self._registry.epoch()))

    def _check(self, feed: Feed) -> None:
        """Has a collection made anew that does not hold what it should."""
        if feed.collection is None or feed.cleaned != feed.revision:
            return
        try:
            held = self._collections.count(feed.collection)
        except CollectionGone:
            held = -1
        if held != feed.templates:
            _log.warning(
                "a collection is not what it should be",
                collection=feed.collection,
                holds=held,
                should_hold=feed.templates,
            )
            self._fed(self._feeder.anew(feed, self._registry.epoch()))

    @contextmanager
    def _turn(self, key: Key, wait_seconds: float) -> Iterator[Feed | None]:
        """The lease of a feed, for one thread of this process; None while somebody else has it."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        if not turn.acquire(timeout=wait_seconds):
            yield None
            return
        try:
            feed = self._feeds.take(*key, self._owner, LEASE_SECONDS)
            try:
                yield feed
            finally:
                if feed is not None:
                    self._feeds.release(feed, self._owner)
        finally:
            turn.release()

    def _follow_erasure(self) -> None:
        """Takes what was erased out of Milvus, before that is acknowledged, if Milvus answers.

        Where it does not, the vectors leave it later, and searches do without them all the same.
        """
        try:
            for key in self._feeds.behind():
                self._brought(key, self._wait_seconds)
        except Outage as outage:
            _log.warning("what was erased stays in Milvus for now", reason=outage.detail)
            self._feeds.void(fewer_subjects_than=_CROWD)
