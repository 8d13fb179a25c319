"""What the client can ask about galleries."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from app.client.answers import Erasure, Gallery
from app.client.connection import Connection


class GalleryCalls:
    """A part of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def galleries(self) -> list[Gallery]:
        """All galleries."""
        rows = self._connection.send("GET", "/galleries", repeatable=True).json()["galleries"]
        return [Gallery.read(row) for row in rows]

    def gallery(self, name: str) -> Gallery:
        """One gallery, with its rules."""
        return Gallery.read(
            self._connection.send("GET", _gallery_route(name), repeatable=True).json()
        )

    def create_gallery(self, name: str, *, idempotency_key: str | None = None) -> Gallery:
        """Creates an empty gallery; `enroll` creates its gallery by itself."""
        response = self._connection.post_once(
            "/galleries", {"name": name}, idempotency_key=idempotency_key
        )
        return Gallery.read(response.json())

    def rename_gallery(self, gallery: str, name: str) -> Gallery:
        """Gives a gallery another name."""
        return self._change(gallery, {"name": name}, repeatable=False)

    def set_gallery_rules(self, gallery: str, rules: Mapping[str, int | None]) -> Gallery:
        """Changes what a gallery keeps and for how long.

        Args:
            gallery: its name.
            rules: those that change, out of `walks_per_subject`, `keep_walks_days` and
                `keep_subjects_days`; None lifts one.
        """
        return self._change(gallery, rules, repeatable=True)

    def delete_gallery(self, gallery: str, *, with_everybody: bool = False) -> Erasure:
        """Removes a gallery: an empty one, or `with_everybody` in it."""
        route, query = _gallery_route(gallery), {"force": with_everybody}
        return Erasure.read(self._connection.send("DELETE", route, params=query).json())

    def protect_gallery(self, gallery: str) -> Gallery:
        """Stores a gallery's templates under a secret rotation; scores stay what they are."""
        return self._protection("PUT", gallery)

    def renew_gallery_protection(self, gallery: str) -> Gallery:
        """Gives a protected gallery another secret: stolen templates match nothing now."""
        return self._protection("POST", gallery, "/renewal")

    def unprotect_gallery(self, gallery: str) -> Gallery:
        """Stores a gallery's templates as the network gives them."""
        return self._protection("DELETE", gallery)

    def _protection(self, method: str, gallery: str, part: str = "") -> Gallery:
        route = f"{_gallery_route(gallery)}/protection{part}"
        # A second renewal would do no harm, but rewrite everything once more.
        response = self._connection.send(method, route, repeatable=method != "POST")
        return Gallery.read(response.json())

    def _change(self, gallery: str, changes: Mapping[str, object], *, repeatable: bool) -> Gallery:
        response = self._connection.send(
            "PATCH",
            _gallery_route(gallery),
            repeatable=repeatable,
            body=lambda _: {"json": dict(changes)},
        )
        return Gallery.read(response.json())


def _gallery_route(gallery: str) -> str:
    return f"/galleries/{quote(gallery, safe='')}"
