"""Galleries are protected, given a new secret, and opened again."""

from __future__ import annotations

from typing import Literal, TypeAlias

from sqlalchemy import Connection

from app.errors import UnknownGallery
from app.registry.audit import note
from app.registry.database import Database, note_erasure
from app.registry.galleries import Gallery, gallery_by_name
from app.registry.revision import Raised, raise_revision
from app.registry.rotation.problems import GalleryNotProtected
from app.registry.rotation.rotation import PLAIN, Rotation
from app.registry.rotation.stored import store_rotation
from app.registry.rotation.turning import Turn, turn_templates
from app.registry.tables import galleries, templates

_How: TypeAlias = Literal["protected", "renewed", "unprotected"]


class Protection:
    """Changes of rotations. Every call is one transaction, in which all templates are rewritten.

    Searches go on meanwhile with what there was before; enrolments into the gallery wait (into any
    gallery, on SQLite). A search sees all old templates or all new ones, and its probe is turned as
    they are: the rotation reaches an index together with the templates (app/search/view.py).

    Args:
        database: where the galleries are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def protect(self, gallery: str) -> Gallery:
        """Gives a gallery a secret; one that has a secret keeps it.

        Raises:
            UnknownGallery: there is none.
            ProtectionNeedsMasterKey: the service has no master key.
        """
        return self._change(gallery, "protected")

    def renew(self, gallery: str) -> Gallery:
        """Gives a protected gallery another secret: templates that were stolen match nothing now.

        Raises:
            UnknownGallery: there is none.
            GalleryNotProtected: it has no secret.
            ProtectionNeedsMasterKey, MasterKeyMissing: a master key was not set.
        """
        return self._change(gallery, "renewed")

    def unprotect(self, gallery: str) -> Gallery:
        """Takes a gallery's secret away; one that has none stays as it is.

        Raises:
            UnknownGallery: there is none.
            MasterKeyMissing: the master key of the secret was not set.
        """
        return self._change(gallery, "unprotected")

    def _change(self, gallery: str, how: _How) -> Gallery:
        with self._database.write() as connection:
            raised = raise_revision(connection, galleries.c.name == gallery)
            if raised is None:
                raise UnknownGallery(gallery)
            before = raised.rotation.opened(self._database.vault)
            after = _next(before, how, gallery)
            if after != before:
                self._turn(connection, raised, before, after, how)
            changed = gallery_by_name(connection, gallery)
        if after != before:
            self._database.forget_deleted_pages()
        return changed

    def _turn(
        self,
        connection: Connection,
        raised: Raised,
        before: Rotation,
        after: Rotation,
        how: _How,
    ) -> None:
        vault = self._database.vault
        store_rotation(connection, vault.keys, raised.gallery_id, after)
        older = (templates.c.gallery_id == raised.gallery_id) & (
            templates.c.revision < raised.revision
        )
        turned = turn_templates(connection, vault, older, Turn(raised, raised, before, after))
        # The old vectors are biometrics whose secret was given up: they go as the erased do.
        note_erasure(connection)
        note(
            connection,
            "gallery.protected",
            gallery=raised.gallery_id,
            how=how,
            templates=turned,
        )


def _next(before: Rotation, how: _How, gallery: str) -> Rotation:
    if how == "unprotected":
        return PLAIN
    if how == "protected":
        return before if before != PLAIN else Rotation.fresh()
    if before == PLAIN:
        raise GalleryNotProtected(gallery)
    return Rotation.fresh()
