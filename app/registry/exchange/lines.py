"""The lines of a gallery file, as values. What each field means: docs/registry-exchange.md.

Shape letter: D embedding size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.registry.gallery_rules import GalleryRules

FORMAT = "walkprint-gallery"
VERSION = 1

MAX_LINE_BYTES = 1024 * 1024
MAX_CHECKPOINTS = 16
MAX_EMBEDDING_SIZE = 4096


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The first line.

    Attributes:
        gallery: the gallery's name where it was exported.
        rules: its rules.
        embedding_sizes: D, by the id of each checkpoint that has templates in the file.
    """

    gallery: str
    rules: GalleryRules
    embedding_sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SubjectLine:
    """A subject; the lines after it, up to the next subject, are their walks.

    Attributes:
        subject: the caller's id.
        name: of the person, if known.
        metadata: JSON object.
        created_at: in UTC.
        updated_at: in UTC.
    """

    subject: str
    name: str | None
    metadata: dict[str, object]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WalkLine:
    """One walk of the subject before it.

    Attributes:
        id: UUID.
        created_at: in UTC.
        source: what was sent, in the words of capture.
        direction: of walking; None where it cannot be told.
        quality: of the recording, as JSON text.
        gei_png: its gait energy image, an 8-bit grey PNG.
        gei_size: height and width of the image.
        vectors: D little-endian float32 values, length 1, by the checkpoint's id.
    """

    id: str
    created_at: datetime
    source: str
    direction: str | None
    quality: str
    gei_png: bytes
    gei_size: tuple[int, int]
    vectors: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class EndLine:
    """The last line: what a whole file holds.

    Attributes:
        subjects: lines of that kind.
        walks: lines of that kind.
        templates: embeddings in the walks' lines.
        sha256: of every byte before this line, in hexadecimal.
    """

    subjects: int
    walks: int
    templates: int
    sha256: str
