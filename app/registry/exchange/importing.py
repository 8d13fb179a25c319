"""A gallery file comes into the database, however long it is.

Walks are written some thousand at a time, so that enrolments and searches go on meanwhile. What was
written stays when a later line turns out wrong: the same file, mended, goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NoReturn

from sqlalchemy import select

from app.errors import InvalidField
from app.registry.audit import note
from app.registry.database import Database, insert_unless_there
from app.registry.exchange.batch import Batch, InAnotherGallery, ReadSubject, ReadWalk, write_batch
from app.registry.exchange.lines import EndLine, HeaderLine
from app.registry.exchange.parsing import (
    read_end,
    read_header,
    read_object,
    read_subject,
    read_walk,
)
from app.registry.exchange.problems import (
    GalleryGone,
    ImportCutShort,
    ImportLineInvalid,
    WalkElsewhere,
)
from app.registry.exchange.reading import LineTooLong, numbered_lines
from app.registry.exchange.receiver import check_embedding_sizes, receiver_of
from app.registry.exchange.report import ImportReport, Tally
from app.registry.revision import raise_revision
from app.registry.tables import galleries

_BATCH_WALKS = 4000
_BATCH_BYTES = 16 * 1024 * 1024
"""A batch ends at whichever comes first; 4000 walks of Walkprint's own are about 14 MB."""


def import_file(database: Database, gallery: str, chunks: Iterable[bytes]) -> ImportReport:
    """Adds a gallery file's subjects and walks to a gallery, made when there is none.

    Args:
        database: where to.
        gallery: name of the gallery; need not be the one that was exported.
        chunks: the file, in pieces of any size.

    Raises:
        ImportLineInvalid: a line cannot be imported.
        ImportCutShort: the end is missing, or does not fit what came before.
        WalkElsewhere: a walk is in another gallery.
        GalleryGone: the gallery was deleted meanwhile.
    """
    importing = _Import(database, gallery)
    number = 0
    try:
        for number, line in numbered_lines(chunks):
            importing.take(number, line)
    except LineTooLong as error:
        importing.refuse(error.line, error)
    return importing.finish(number)


class _Import:
    def __init__(self, database: Database, gallery: str) -> None:
        self._database = database
        self._gallery = gallery
        self._gallery_id = 0
        self._created = False
        self._serving: str | None = None
        self._header: HeaderLine | None = None
        self._end: EndLine | None = None
        self._digest = hashlib.sha256()
        self._subject: ReadSubject | None = None
        self._batch = Batch()
        self._subject_lines = self._walk_lines = self._embeddings = 0
        self._done = Tally()

    def take(self, number: int, line: bytes) -> None:
        """Reads one line, and writes what was read when it is enough."""
        try:
            self._read(number, line)
        except InvalidField as error:
            self.refuse(number, error)
        self._batch.read_bytes += len(line)
        if len(self._batch.walks) >= _BATCH_WALKS or self._batch.read_bytes >= _BATCH_BYTES:
            self._write()

    def finish(self, last_line: int) -> ImportReport:
        """Makes sure that nothing is missing, and writes the rest."""
        if self._end is None:
            raise ImportCutShort(
                last_line,
                f"The file ends after line {last_line}, without an end line.",
                self._done.walks_added,
            )
        self._write()
        return ImportReport.of(self._gallery, self._created, self._serving, self._done)

    def refuse(self, number: int, error: InvalidField) -> NoReturn:
        """Ends the import with what is wrong with a line."""
        raise ImportLineInvalid(
            number, error.field, error.detail, self._done.walks_added
        ) from error

    def _read(self, number: int, line: bytes) -> None:
        fields = read_object(line)
        if self._header is None:
            self._begin(read_header(fields))
        elif self._end is not None:
            raise InvalidField("line", "Nothing may follow the end line.")
        elif fields.get("kind") == "walk":
            self._read_walk(number, fields, self._header)
        elif fields.get("kind") == "subject":
            self._complete_subject()
            self._subject = ReadSubject(read_subject(fields))
            self._subject_lines += 1
        elif fields.get("kind") == "end":
            self._read_end(number, read_end(fields))
        else:
            raise InvalidField("kind", "The kind of a line is subject, walk or end.")
        self._digest.update(line)
        self._digest.update(b"\n")

    def _begin(self, header: HeaderLine) -> None:
        row: dict[str, object] = {
            "name": self._gallery,
            "revision": 0,
            "created_at": self._database.now(),
            "walks_per_subject": header.rules.walks_per_subject,
            "keep_walks_days": header.rules.keep_walks_days,
            "keep_subjects_days": header.rules.keep_subjects_days,
        }
        with self._database.write() as connection:
            check_embedding_sizes(connection, header.embedding_sizes)
            self._created = insert_unless_there(connection, galleries, row)
            self._gallery_id = connection.execute(
                select(galleries.c.id).where(galleries.c.name == self._gallery)
            ).scalar_one()
            if self._created:
                note(connection, "gallery.created", gallery=self._gallery_id)
        self._header = header

    def _read_walk(self, number: int, fields: Mapping[str, object], header: HeaderLine) -> None:
        if self._subject is None:
            raise InvalidField("kind", "A walk comes after the line of its subject.")
        walk = read_walk(fields, header.embedding_sizes)
        self._batch.walks.append(ReadWalk(number, self._subject, walk))
        self._subject.walks += 1
        self._walk_lines += 1
        self._embeddings += len(walk.vectors)

    def _read_end(self, number: int, end: EndLine) -> None:
        came = (self._subject_lines, self._walk_lines, self._embeddings)
        if (end.subjects, end.walks, end.templates) != came:
            self._cut_short(
                number,
                f"The end line speaks of {end.subjects} subjects, {end.walks} walks and"
                f" {end.templates} embeddings; before it came {came[0]}, {came[1]} and {came[2]}.",
            )
        if end.sha256 != self._digest.hexdigest():
            self._cut_short(number, "The checksum in the end line is not that of the file.")
        self._complete_subject()
        self._end = end

    def _cut_short(self, number: int, detail: str) -> NoReturn:
        raise ImportCutShort(number, detail, self._done.walks_added)

    def _complete_subject(self) -> None:
        if self._subject is not None:
            self._batch.subjects.append(self._subject)
            self._subject = None

    def _write(self) -> None:
        batch, self._batch = self._batch, Batch()
        now = self._database.now()
        try:
            with self._database.write() as connection:
                raised = raise_revision(connection, galleries.c.id == self._gallery_id)
                if raised is None:
                    raise GalleryGone(self._gallery)
                receiver = receiver_of(connection)
                written = write_batch(
                    connection, self._database.vault, raised, batch, receiver, now
                )
                note(
                    connection,
                    "gallery.imported",
                    gallery=raised.gallery_id,
                    subjects=written.subjects_added,
                    walks=written.walks_added,
                )
        except InAnotherGallery as error:
            read = error.read
            raise WalkElsewhere(read.line, read.walk.id, self._done.walks_added) from error
        self._done += written
        self._serving = receiver.serving
