"""What a place for uploads has to be able to do. A folder and a bucket are the two there are.

An upload's name is `{instance}/{random}`: the instance that received it, and 128 random bits. Who
works on it plays no part, so that a worker on another machine finds it by the name in its job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from app.errors import Problem


class RecordingLost(Problem):
    """The recording vanished before it was worked on. Send the call again."""

    status = 503
    slug = "recording-lost"
    title = "The recording was lost before it was worked on"
    advice = "Send the call again. Whoever runs the service: see what else removes uploads."

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, in seconds."""
        return {"Retry-After": "1"}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that lies there.

    Attributes:
        name: of the upload.
        changed_at: when it was written last (a half that was never completed: begun), by the
            clock of the place.
        half: what a bucket calls an upload that is not complete; None for everything else.
    """

    name: str
    changed_at: datetime
    half: str | None = None

    @property
    def instance(self) -> str:
        """Who received it."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies there.

    Attributes:
        items: uploads, also such as are only half there.
        signs: when each instance last gave a sign of life, by the same clock.
    """

    items: tuple[Item, ...]
    signs: Mapping[str, datetime] = field(default_factory=dict)


class Sink(Protocol):
    """One upload on its way in. Called by the event loop: nothing here waits for a network."""

    def write(self, data: memoryview) -> None:
        """Appends.

        Raises:
            Outage: the place does not take it.
        """

    def complete(self) -> Future[None] | None:
        """Nothing more comes. The upload is there when the future is done; None means now."""

    def drop(self) -> None:
        """Ends writing and has what is there removed; more than once is no error."""


class Shelf(Protocol):
    """A place for uploads. Everything but `create` may wait for a disk or a network.

    Attributes:
        is_shared: whether processes use it that do not share this one's data folder.
    """

    @property
    def is_shared(self) -> bool: ...

    def open(self, instance_id: str) -> None:
        """Makes room for an instance, where that takes no network."""

    def create(self, name: str) -> Sink:
        """A new, empty upload.

        Raises:
            Outage: the place is not there.
        """

    def fetched(self, names: Sequence[str]) -> AbstractContextManager[list[Path]]:
        """Uploads as files of this machine, in the same order, for as long as the block lasts.

        Raises:
            RecordingLost: one of them is gone.
            Outage: the place is not there, or this machine has no room.
        """

    def remove(self, names: Collection[str]) -> None:
        """Removes complete uploads; those already gone are no error.

        Raises:
            Outage: the place is not there; some may be left.
        """

    def stock(self, instance_id: str | None = None) -> Stock:
        """What lies there, of one instance or of all; signs of life only of all.

        Raises:
            Outage: the place is not there.
        """

    def drop(self, items: Collection[Item]) -> None:
        """Removes what `stock` told of, halves too, and the empty rooms of its instances.

        Raises:
            Outage: the place is not there; some may be left.
        """

    def give_sign(self, instance_id: str) -> None:
        """Writes down that an instance lives.

        Raises:
            Outage: the place is not there.
        """

    def take_sign(self, instance_ids: Collection[str]) -> None:
        """Forgets signs of life.

        Raises:
            Outage: the place is not there.
        """

    def rooms_here(self) -> list[str]:
        """The instances of this data folder, dead or alive, that keep something on this machine."""

    def clear_room(self, instance_id: str) -> None:
        """Removes what a dead instance of this data folder kept on this machine beside uploads."""

    def close(self) -> None:
        """Ends threads and connections."""
