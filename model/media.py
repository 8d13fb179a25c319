"""What a file is, judged by its first bytes and never by its name."""

from __future__ import annotations

from enum import Enum

HEAD_BYTES = 512
"""Enough to tell every accepted kind; the tar magic lies at byte 257."""


class MediaKind(Enum):
    """The kinds of media that capture tells apart."""

    PNG = "PNG picture"
    JPEG = "JPEG picture"
    ZIP = "zip archive"
    TAR = "tar archive"
    GZIP = "gzip archive"
    OTHER_ARCHIVE = "an archive of another kind than zip or tar"
    VIDEO = "video"
    UNKNOWN = "neither video, archive nor picture"


_ISO_BRANDS_OF_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")
_MPEG_TS_PACKET_BYTES = 188


def media_kind(first_bytes: bytes) -> MediaKind:
    """Tells the kind of a file from its first `HEAD_BYTES` bytes (fewer will often do)."""
    head = first_bytes
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaKind.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return MediaKind.JPEG
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return MediaKind.ZIP
    if head.startswith(b"\x1f\x8b"):
        return MediaKind.GZIP
    if head[257:262] == b"ustar":
        return MediaKind.TAR
    if head.startswith((b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00")):
        return MediaKind.OTHER_ARCHIVE
    if head.startswith(b"\x28\xb5\x2f\xfd"):  # zstandard
        return MediaKind.OTHER_ARCHIVE
    if _is_video(head):
        return MediaKind.VIDEO
    return MediaKind.UNKNOWN


def is_picture(first_bytes: bytes) -> bool:
    """Whether a file that begins with these bytes is a PNG or JPEG picture.

    Args:
        first_bytes: at least the first eight bytes of the file.
    """
    return media_kind(first_bytes) in (MediaKind.PNG, MediaKind.JPEG)


def _is_video(head: bytes) -> bool:
    box = head[4:8]
    if box == b"ftyp":  # MP4, MOV, 3GP
        return head[8:12] not in _ISO_BRANDS_OF_PICTURES
    if box in (b"moov", b"mdat", b"wide"):  # QuickTime files older than 'ftyp'
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"AVI "
    if head.startswith(b"\x1a\x45\xdf\xa3"):  # EBML: Matroska, WebM
        return True
    if head.startswith(b"\x00\x00\x01\xba"):  # MPEG program stream
        return True
    return (
        len(head) > 2 * _MPEG_TS_PACKET_BYTES
        and head[0] == head[_MPEG_TS_PACKET_BYTES] == head[2 * _MPEG_TS_PACKET_BYTES] == 0x47
    )
