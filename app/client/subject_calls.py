"""What the client can ask about subjects and their walks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from app.client.answers import Erasure, Merge, Subject
from app.client.connection import Connection
from app.client.recognition import StoredWalk

if TYPE_CHECKING:
    import httpx


class SubjectCalls:
    """A part of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def subjects(
        self, *, gallery: str | None = None, search: str | None = None, page_size: int = 100
    ) -> Iterator[Subject]:
        """All subjects, page by page while they are read."""
        cursor: str | None = None
        while True:
            query = {"gallery": gallery, "search": search, "limit": page_size, "cursor": cursor}
            page = self._get("/subjects", query).json()
            yield from (Subject.read(row) for row in page["subjects"])
            cursor = page.get("next")
            if not cursor:
                return

    def subject(self, subject: str, *, gallery: str | None = None) -> Subject:
        """One subject. The gallery may be left out where the id is unique."""
        return Subject.read(self._get(subject_route(subject), {"gallery": gallery}).json())

    def patch_subject(
        self, subject: str, changes: Mapping[str, object], *, gallery: str | None = None
    ) -> Subject:
        """Changes the name or the metadata of a subject."""
        response = self._connection.send(
            "PATCH",
            subject_route(subject),
            repeatable=True,
            body=lambda _: {"json": dict(changes)},
            params={"gallery": gallery},
        )
        return Subject.read(response.json())

    def move_subject(
        self,
        subject: str,
        to_gallery: str,
        *,
        gallery: str | None = None,
        idempotency_key: str | None = None,
    ) -> Subject:
        """Moves a subject, with all walks, to another gallery that exists."""
        response = self._connection.post_once(
            f"{subject_route(subject)}/move",
            {"gallery": to_gallery},
            params={"gallery": gallery},
            idempotency_key=idempotency_key,
        )
        return Subject.read(response.json())

    def merge_subject(
        self,
        subject: str,
        into: str,
        *,
        gallery: str | None = None,
        into_gallery: str | None = None,
        idempotency_key: str | None = None,
    ) -> Merge:
        """Gives all walks of a subject to another one; `subject` is no more.

        Args:
            subject: your id for the one that goes.
            into: your id for the one that stays, with its own name and metadata.
            gallery: of the one that goes; may be left out where the id is unique.
            into_gallery: of the one that stays, where it is another one.
            idempotency_key: under one key the work is done once; a fresh one when None.
        """
        response = self._connection.post_once(
            f"{subject_route(subject)}/merge",
            {"into": into} | ({} if into_gallery is None else {"gallery": into_gallery}),
            params={"gallery": gallery},
            idempotency_key=idempotency_key,
        )
        return Merge.read(response.json())

    def merges(self, subject: str, *, gallery: str | None = None) -> list[Merge]:
        """The merges into a subject that can still be undone, oldest first."""
        route = f"{subject_route(subject)}/merges"
        return [Merge.read(row) for row in self._get(route, {"gallery": gallery}).json()["merges"]]

    def undo_merge(self, merge_id: str, *, idempotency_key: str | None = None) -> Subject:
        """Brings the absorbed subject back, with those of its walks that still exist."""
        response = self._connection.post_once(
            f"/merges/{quote(merge_id, safe='')}/undo", idempotency_key=idempotency_key
        )
        return Subject.read(response.json())

    def delete_subject(self, subject: str, *, gallery: str | None = None) -> Erasure:
        """Erases a subject with all walks, images and templates."""
        query = {"gallery": gallery}
        response = self._connection.send("DELETE", subject_route(subject), params=query)
        return Erasure.read(response.json())

    def walks(self, subject: str, *, gallery: str | None = None) -> list[StoredWalk]:
        """The stored walks of a subject."""
        route = f"{subject_route(subject)}/walks"
        return [
            StoredWalk.read(row) for row in self._get(route, {"gallery": gallery}).json()["walks"]
        ]

    def delete_walk(self, walk_id: str) -> Erasure:
        """Erases one walk with its image and template."""
        response = self._connection.send("DELETE", f"/walks/{quote(walk_id, safe='')}")
        return Erasure.read(response.json())

    def gei(self, walk_id: str) -> bytes:
        """The gait energy image of a stored walk, as PNG."""
        return self._get(f"/walks/{quote(walk_id, safe='')}/gei.png").content

    def _get(self, route: str, params: Mapping[str, object] | None = None) -> httpx.Response:
        return self._connection.send("GET", route, repeatable=True, params=params)


def subject_route(subject: str) -> str:
    """Where a subject is found."""
    return f"/subjects/{quote(subject, safe='')}"
