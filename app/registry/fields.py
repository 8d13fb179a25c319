"""The rules for text that callers name things with: one place, for every way in."""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata

from app.errors import InvalidField

MAX_SUBJECT_CHARACTERS = 128
MAX_NAME_CHARACTERS = 200
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 16

_GALLERY = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that a reader cannot see: controls, direction marks, lone surrogates."""
_NO_SEGMENTS = frozenset({".", ".."})
"""Clients and proxies take these for steps in the path of an address, percent-encoded or not (RFC
3986, 5.2.4): whoever was called so could be neither found nor erased."""
_JOINERS = frozenset("\u200c\u200d")
"""Some scripts write names with them; ids must not differ by something invisible."""


def clean_subject(text: str, *, field: str = "subject") -> str:
    """A subject's id as it is stored: trimmed, in Unicode normal form C.

    Args:
        text: what the caller sent.
        field: where it came from, for the message.

    Returns:
        1 to 128 visible characters.

    Raises:
        InvalidField: empty, too long, or with characters nobody can see.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if not cleaned:
        raise InvalidField(field, "The subject id is empty.")
    if cleaned in _NO_SEGMENTS:
        raise InvalidField(field, f"The subject id is '{cleaned}', which no address can hold.")
    if len(cleaned) > MAX_SUBJECT_CHARACTERS:
        raise InvalidField(field, f"The subject id has {len(cleaned)} characters; 128 are allowed.")
    if any(unicodedata.category(character) in _INVISIBLE for character in cleaned):
        raise InvalidField(field, "The subject id contains control or invisible characters.")
    return cleaned


def clean_gallery(text: str) -> str:
    """A gallery's name: 1 to 64 letters, digits, dots, underscores and hyphens, trimmed.

    Raises:
        InvalidField: anything else.
    """
    cleaned = text.strip()
    if not _GALLERY.fullmatch(cleaned) or cleaned in _NO_SEGMENTS:
        raise InvalidField(
            "gallery",
            "A gallery name has 1 to 64 characters out of A-Z, a-z, 0-9, dot, underscore, hyphen;"
            " it is not . or ..",
        )
    return cleaned


def clean_name(text: str) -> str | None:
    """A person's display name, trimmed, in normal form C; None when nothing is left.

    Raises:
        InvalidField: over 200 characters, or with control characters.
    """
    cleaned = unicodedata.normalize("NFC", text.strip())
    if len(cleaned) > MAX_NAME_CHARACTERS:
        raise InvalidField("name", f"The name has {len(cleaned)} characters; 200 are allowed.")
    for character in cleaned:
        if character not in _JOINERS and unicodedata.category(character) in _INVISIBLE:
            raise InvalidField("name", "The name contains control or invisible characters.")
    return cleaned or None


def clean_metadata(value: object) -> dict[str, object]:
    """Metadata as it is stored: a JSON object of at most 16 KiB and 16 levels.

    Args:
        value: parsed JSON, as the caller sent it.

    Raises:
        InvalidField: not an object, too large, too deep, or text that is not valid Unicode.
    """
    if not isinstance(value, dict):
        raise InvalidField("metadata", "The metadata must be a JSON object.")
    if _depth(value) > MAX_METADATA_DEPTH:
        raise InvalidField("metadata", "The metadata is nested more than 16 levels deep.")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError) as error:
        raise InvalidField("metadata", "The metadata is not valid JSON text.") from error
    if size > MAX_METADATA_BYTES:
        raise InvalidField("metadata", f"The metadata has {size} bytes; 16384 are allowed.")
    return value


def _depth(value: object) -> int:
    """Levels of nesting, counted without recursion: deep input must not exhaust the stack."""
    depth, level = 0, [value]
    while level and depth <= MAX_METADATA_DEPTH:
        below: list[object] = []
        containers = 0
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            containers += isinstance(item, dict | list)
        depth += containers > 0
        level = below
    return depth


def encode_cursor(last_id: int) -> str:
    """An opaque place in a list: after the row with this id."""
    return encode_place(f"after:{last_id}")


def decode_cursor(cursor: str) -> int:
    """The id that `encode_cursor` was given.

    Raises:
        InvalidField: this service never made such a cursor.
    """
    prefix, _, number = (decode_place(cursor) or "").partition(":")
    try:
        last_id = int(number) if prefix == "after" else -1
    except ValueError:
        last_id = -1
    if not 0 <= last_id < 2**63 or encode_cursor(last_id) != cursor:
        raise foreign_cursor()
    return last_id


def encode_place(text: str) -> str:
    """A cursor that says where in a list its page ended, in words that only we understand."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_place(cursor: str) -> str | None:
    """The text that `encode_place` was given; None where nothing becomes this cursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
    return text if encode_place(text) == cursor else None


def foreign_cursor() -> InvalidField:
    """What is said of a cursor that this service never made."""
    return InvalidField("cursor", "The cursor is not one this service gave; start again without.")
