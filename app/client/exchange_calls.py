"""What the client can do with galleries as files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from app.client.answers import Json
from app.client.connection import Connection
from app.client.failures import WalkprintError

_MEDIA_TYPE = "application/x-ndjson"
_LONGEST_HEADER_BYTES = 1024 * 1024
_ADVICE = "docs/registry-exchange.md tells what is in a gallery file."


@dataclass(frozen=True, slots=True)
class ExportedGallery:
    """What a gallery file holds."""

    subjects: int
    walks: int
    templates: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ImportedGallery:
    """What an import did. `walks_known` were skipped; `walks_without_template` wait to be embedded
    by the checkpoint that serves."""

    gallery: str
    created: bool
    subjects_added: int
    walks_added: int
    walks_known: int
    walks_without_template: int
    json: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, json: Json) -> ImportedGallery:
        return cls(
            gallery=str(json["gallery"]),
            created=bool(json["created"]),
            subjects_added=int(json["subjects_added"]),
            walks_added=int(json["walks_added"]),
            walks_known=int(json["walks_known"]),
            walks_without_template=int(json["walks_without_template"]),
            json=json,
        )


class ExchangeCalls:
    """A part of `Client`.

    Args:
        connection: to the service.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def export_gallery(self, gallery: str, file: Path) -> ExportedGallery:
        """Writes a gallery with everybody in it to a file, which only its owner may read.

        Args:
            gallery: its name.
            file: replaced when the new one is whole.

        Raises:
            WalkprintError: the service refused, or what it sent is not whole.
            OSError: the file cannot be written.
        """
        part = file.with_name(f"{file.name}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            with (
                os.fdopen(os.open(part, flags, 0o600), "wb") as out,
                self._connection.download(f"{_route(gallery)}/export") as response,
            ):
                exported = _save(response.iter_bytes(), out)
                out.flush()
                os.fsync(out.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return exported

    def import_gallery(self, file: Path, *, gallery: str | None = None) -> ImportedGallery:
        """Adds the subjects and walks of a gallery file. Sent again, it goes on where it stopped.

        Args:
            file: as `export_gallery` wrote it.
            gallery: where to; the name in the file when None.

        Raises:
            OSError: the file cannot be read.
        """
        name = _gallery_of(file) if gallery is None else gallery

        def opened_anew(opened: ExitStack) -> dict[str, object]:
            return {"content": opened.enter_context(file.open("rb"))}

        response = self._connection.send(
            "POST",
            f"{_route(name)}/import",
            repeatable=True,
            body=opened_anew,
            headers={"Content-Type": _MEDIA_TYPE},
        )
        return ImportedGallery.read(response.json())


def _save(blocks: Iterable[bytes], out: BinaryIO) -> ExportedGallery:
    """Writes the blocks and checks them against their own last line."""
    digest = hashlib.sha256()
    last_line = b""
    for block in blocks:
        out.write(block)
        last_line += block
        begins = last_line.rfind(b"\n", 0, -1) + 1
        digest.update(last_line[:begins])
        last_line = last_line[begins:]
    try:
        end: dict[str, Any] = json.loads(last_line)
        whole = end["kind"] == "end" and end["sha256"] == digest.hexdigest()
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise WalkprintError(
            {
                "type": "/problems/export-cut-short",
                "title": "The export is not whole",
                "detail": "The service broke off before the end of the gallery.",
                "advice": "Export it again; the service's log says what happened.",
            }
        )
    return ExportedGallery(end["subjects"], end["walks"], end["templates"], out.tell())


def _gallery_of(file: Path) -> str:
    with file.open("rb") as opened:
        first_line = opened.readline(_LONGEST_HEADER_BYTES)
    try:
        gallery = json.loads(first_line)["gallery"]
    except (ValueError, KeyError, TypeError, RecursionError):
        gallery = None
    if not isinstance(gallery, str) or not gallery:
        raise WalkprintError(
            {
                "type": "/problems/no-gallery-file",
                "title": "The file is not a gallery",
                "detail": f"{file} does not begin with the header of a gallery file.",
                "advice": _ADVICE,
            }
        )
    return gallery


def _route(gallery: str) -> str:
    return f"/galleries/{quote(gallery, safe='')}"
