"""How far each collection of vectors outside of SQL has come, and whose turn it is to feed it.

A collection is shared by all processes, so its row says what no process could know alone: which
collection it is, up to which revision it holds everything, and what a search needs of the whole
(how many subjects, the sum of the vectors). The row changes hands by a lease, and is written only
by who holds it.

Shape letters: D embedding size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, func, or_, select, update

from app.registry.columns import AnyRow
from app.registry.database import Database, insert_unless_there
from app.registry.facts import EPOCH_NOW
from app.registry.rotation import ROTATION_COLUMNS, Rotation, stored_rotation
from app.registry.sealing.master_keys import Wrapped
from app.registry.tables import galleries, index_feeds

_NO_SUMS: Final = np.zeros(0, dtype=np.float64)


class FeedLost(Exception):
    """Another process has the lease now: drop what was begun."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How far one collection is.

    Attributes:
        gallery_id: number of the gallery.
        checkpoint_id: whose templates.
        collection: its name; None before the first template came.
        epoch: the history of the database that it belongs to; None before it was begun.
        revision: of the gallery, up to which everything is in it.
        cleaned: the revision up to which what was removed is deleted from it.
        templates: how many it holds at `revision`.
        subjects: whose they are, how many.
        sums_d: (D,) float64, of the vectors as they stand in it; (0,) without any.
        master: fingerprint of the master key that its vectors are turned by; None without one.
    """

    gallery_id: int
    checkpoint_id: str
    collection: str | None = None
    epoch: str | None = None
    revision: int = 0
    cleaned: int = 0
    templates: int = 0
    subjects: int = 0
    sums_d: NDArray[np.float64] = field(default_factory=lambda: _NO_SUMS)
    master: str | None = None

    @property
    def key(self) -> tuple[int, str]:
        """Gallery and checkpoint."""
        return self.gallery_id, self.checkpoint_id


@dataclass(frozen=True, slots=True)
class FeedNow:
    """A gallery and its feed, seen at one instant.

    Attributes:
        revision: of the gallery.
        epoch: of the database; None where none was drawn yet.
        rotation: what the gallery's templates are under.
        feed: None before anybody fed it.
    """

    revision: int
    epoch: str | None
    rotation: Rotation
    feed: Feed | None


class IndexFeeds:
    """The rows; every call is one transaction.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self, gallery_id: int, checkpoint_id: str) -> FeedNow | None:
        """A gallery and its feed; None when there is no such gallery."""
        with self._database.read() as connection:
            gallery = connection.execute(
                select(galleries.c.revision, EPOCH_NOW, *ROTATION_COLUMNS).where(
                    galleries.c.id == gallery_id
                )
            ).one_or_none()
            if gallery is None:
                return None
            row = connection.execute(
                select(index_feeds).where(_is(gallery_id, checkpoint_id))
            ).one_or_none()
        rotation = stored_rotation(gallery).opened(self._database.vault)
        feed = None if row is None else self._opened(row)
        return FeedNow(gallery.revision, gallery.epoch, rotation, feed)

    def known(self) -> list[tuple[int, str]]:
        """Gallery and checkpoint of every feed."""
        rows = self._database.ask(
            select(index_feeds.c.gallery_id, index_feeds.c.checkpoint_id).order_by(
                index_feeds.c.gallery_id, index_feeds.c.checkpoint_id
            )
        )
        return [(row[0], row[1]) for row in rows]

    def behind(self) -> list[tuple[int, str]]:
        """Gallery and checkpoint of feeds that are not at their gallery's revision, or lost it."""
        rows = self._database.ask(
            select(index_feeds.c.gallery_id, index_feeds.c.checkpoint_id)
            .outerjoin(galleries, galleries.c.id == index_feeds.c.gallery_id)
            .where(
                or_(
                    galleries.c.id.is_(None),
                    galleries.c.revision != index_feeds.c.revision,
                    index_feeds.c.cleaned != index_feeds.c.revision,
                    index_feeds.c.epoch.is_(None),
                )
            )
            .order_by(index_feeds.c.gallery_id, index_feeds.c.checkpoint_id)
        )
        return [(row[0], row[1]) for row in rows]

    def lag(self) -> int:
        """How many changes the feed lacks that is furthest behind its gallery."""
        lacks = galleries.c.revision - index_feeds.c.revision
        ((found,),) = self._database.ask(
            select(func.max(lacks)).join(index_feeds, galleries.c.id == index_feeds.c.gallery_id)
        )
        return found or 0

    def sizes(self) -> dict[tuple[int, str], int]:
        """Templates in each, by gallery and checkpoint."""
        rows = self._database.ask(
            select(index_feeds.c.gallery_id, index_feeds.c.checkpoint_id, index_feeds.c.templates)
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def collections(self) -> set[str]:
        """Names of the collections that are in use."""
        rows = self._database.ask(select(index_feeds.c.collection))
        return {row.collection for row in rows if row.collection is not None}

    def take(
        self, gallery_id: int, checkpoint_id: str, owner: str, lease_seconds: float
    ) -> Feed | None:
        """Takes the lease of a feed, which begins with that where there is none.

        Args:
            gallery_id: number of the gallery.
            checkpoint_id: whose templates.
            owner: who feeds from now on; one who has the lease already gets it again.
            lease_seconds: how long it holds unless it is renewed.

        Returns:
            The feed as it is; None while another owner has it.
        """
        which = {"gallery_id": gallery_id, "checkpoint_id": checkpoint_id}
        now = self._database.now()
        with self._database.write(durable=False) as connection:
            insert_unless_there(connection, index_feeds, which)
            row = connection.execute(
                update(index_feeds)
                .where(
                    _is(gallery_id, checkpoint_id),
                    or_(
                        index_feeds.c.lease_until.is_(None),
                        index_feeds.c.lease_until <= now,
                        index_feeds.c.lease_owner == owner,
                    ),
                )
                .values(lease_owner=owner, lease_until=now + timedelta(seconds=lease_seconds))
                .returning(index_feeds)
            ).one_or_none()
        return None if row is None else self._opened(row)

    def renew(self, feed: Feed, owner: str, lease_seconds: float) -> None:
        """Prolongs a lease.

        Raises:
            FeedLost: somebody else has it.
        """
        until = self._database.now() + timedelta(seconds=lease_seconds)
        self._change(feed, owner, {"lease_until": until}, durable=False)

    def write(self, feed: Feed, owner: str) -> None:
        """Writes down how far a feed is.

        Raises:
            FeedLost: somebody else has the lease.
        """
        self._change(feed, owner, self._closed(feed), durable=True)

    def release(self, feed: Feed, owner: str) -> None:
        """Gives a lease back; whoever lost it does nothing by that."""
        with self._database.write(durable=False) as connection:
            connection.execute(
                update(index_feeds)
                .where(_is(*feed.key), index_feeds.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None)
            )

    def void(self, *, fewer_subjects_than: int) -> None:
        """Has small feeds begun anew, by whoever takes them next.

        The sum of a few vectors tells of each of them: it goes where somebody was erased and the
        collection could not follow.

        Args:
            fewer_subjects_than: larger ones stay.
        """
        with self._database.write() as connection:
            connection.execute(
                update(index_feeds)
                .where(index_feeds.c.subjects < fewer_subjects_than)
                .values(epoch=None, sums=None, lease_owner=None, lease_until=None)
            )

    def forget(self, feed: Feed, owner: str) -> None:
        """Removes a feed whose collection is gone."""
        with self._database.write() as connection:
            connection.execute(
                delete(index_feeds).where(_is(*feed.key), index_feeds.c.lease_owner == owner)
            )

    def _change(self, feed: Feed, owner: str, values: dict[str, object], *, durable: bool) -> None:
        with self._database.write(durable=durable) as connection:
            changed = connection.execute(
                update(index_feeds)
                .where(_is(*feed.key), index_feeds.c.lease_owner == owner)
                .values(**values)
            )
        if changed.rowcount == 0:
            raise FeedLost(feed.gallery_id)

    def _closed(self, feed: Feed) -> dict[str, object]:
        """A feed as its row has it."""
        sums: bytes | None = feed.sums_d.astype("<f8").tobytes() or None
        if sums is not None and feed.master is not None:
            keys = self._database.vault.keys
            if keys is None or keys.current.fingerprint != feed.master:
                raise FeedLost(feed.gallery_id)  # the key was changed meanwhile: begin anew
            sums = keys.wrap(sums, _place(feed.gallery_id, feed.checkpoint_id)).data
        return {
            "collection": feed.collection,
            "epoch": feed.epoch,
            "revision": feed.revision,
            "cleaned": feed.cleaned,
            "templates": feed.templates,
            "subjects": feed.subjects,
            "sums": sums,
            "master": feed.master,
        }

    def _opened(self, row: AnyRow) -> Feed:
        """A row's feed; one whose key is not set is taken as not begun, with its collection."""
        sums, master = row.sums, row.master
        keys = self._database.vault.keys
        if master is not None and (keys is None or master not in keys.fingerprints):
            return Feed(row.gallery_id, row.checkpoint_id, row.collection)
        if sums is not None and master is not None and keys is not None:
            sums = keys.unwrap(Wrapped(sums, master), _place(row.gallery_id, row.checkpoint_id))
        return Feed(
            gallery_id=row.gallery_id,
            checkpoint_id=row.checkpoint_id,
            collection=row.collection,
            epoch=row.epoch,
            revision=row.revision,
            cleaned=row.cleaned,
            templates=row.templates,
            subjects=row.subjects,
            sums_d=_NO_SUMS if sums is None else np.frombuffer(sums, dtype="<f8"),
            master=master,
        )


def _is(gallery_id: int, checkpoint_id: str) -> ColumnElement[bool]:
    return (index_feeds.c.gallery_id == gallery_id) & (index_feeds.c.checkpoint_id == checkpoint_id)


def _place(gallery_id: int, checkpoint_id: str) -> bytes:
    return f"index feed {gallery_id} {checkpoint_id}".encode()
