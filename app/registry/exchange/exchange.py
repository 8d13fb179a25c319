"""Galleries as files, and files as galleries."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from app.registry.audit import note
from app.registry.database import Database
from app.registry.exchange.export import export_lines
from app.registry.exchange.importing import import_file
from app.registry.exchange.report import ImportReport
from app.registry.fields import clean_gallery
from app.registry.subjects import gallery_id_of


class Exchange:
    """The way of a gallery out of a database, and into one.

    Args:
        database: which one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def export(self, gallery: str) -> Generator[bytes]:
        """A gallery as the lines of a file, as it is at one instant; see `export_lines`.

        Raises:
            UnknownGallery: there is none; raised before the first line.
        """
        with self._database.write() as connection:
            note(connection, "gallery.exported", gallery=gallery_id_of(connection, gallery))
        yield from export_lines(self._database, gallery)

    def import_file(self, gallery: str, chunks: Iterable[bytes]) -> ImportReport:
        """Adds a gallery file's subjects and walks to a gallery; see `importing.import_file`.

        Raises:
            InvalidField: not a gallery name.
            ImportLineInvalid, ImportCutShort, WalkElsewhere, GalleryGone: as told there.
        """
        return import_file(self._database, clean_gallery(gallery), chunks)
