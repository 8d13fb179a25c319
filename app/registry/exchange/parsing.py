"""One line of a gallery file becomes a value, or an error that says what is wrong with it.

The file may be a stranger's: every field is checked, and none may be missing or unknown.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

import numpy as np

from app.errors import InvalidField
from app.registry.exchange.gei_png import gei_size_of
from app.registry.exchange.lines import (
    FORMAT,
    MAX_CHECKPOINTS,
    MAX_EMBEDDING_SIZE,
    VERSION,
    EndLine,
    HeaderLine,
    SubjectLine,
    WalkLine,
)
from app.registry.fields import (
    clean_gallery,
    clean_metadata,
    clean_name,
    clean_subject,
)
from app.registry.gallery_rules import GalleryRules, clean_rules

_HEADER_FIELDS = frozenset(
    {
        "kind",
        "format",
        "version",
        "gallery",
        "rules",
        "checkpoints",
        "subjects",
        "walks",
        "templates",
        "created_at",
    }
)
_RULE_FIELDS = frozenset({"walks_per_subject", "keep_walks_days", "keep_subjects_days"})
_CHECKPOINT_FIELDS = frozenset({"id", "embedding_size"})
_SUBJECT_FIELDS = frozenset({"kind", "subject", "name", "metadata", "created_at", "updated_at"})
_WALK_FIELDS = frozenset(
    {"kind", "id", "created_at", "source", "direction", "quality", "gei", "embeddings"}
)
_END_FIELDS = frozenset({"kind", "subjects", "walks", "templates", "sha256"})

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CHECKPOINT_ID = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SOURCES = frozenset({"file", "frames"})
_DIRECTIONS = frozenset({"left", "right", "towards", "away"})
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH_TOLERANCE = 1e-3
"""Of a squared length. Rounding 4096 values to float32 changes it by less than 1e-6."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def json_text(value: object) -> str:
    """As it stands in files and in the database."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_object(line: bytes) -> dict[str, object]:
    """The JSON object of a line.

    Raises:
        InvalidField: it is not JSON in UTF-8, or not an object.
    """
    try:
        value = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        raise InvalidField("line", "It is not JSON in UTF-8.") from None
    return _object(value, "line")


def read_header(fields: Mapping[str, object]) -> HeaderLine:
    """The first line.

    Raises:
        InvalidField: it is not a header, or of a version that is not known here.
    """
    if fields.get("kind") != "gallery" or fields.get("format") != FORMAT:
        raise InvalidField("format", f"The file does not begin with a header of '{FORMAT}'.")
    if fields.get("version") != VERSION:
        raise InvalidField(
            "version", f"Version {VERSION} of the format is known here; use a newer Walkprint."
        )
    _require_fields(fields, _HEADER_FIELDS)
    rules = _object(fields["rules"], "rules")
    _require_fields(rules, _RULE_FIELDS)
    listed = fields["checkpoints"]
    if not isinstance(listed, list) or len(listed) > MAX_CHECKPOINTS:
        raise InvalidField("checkpoints", f"It must list at most {MAX_CHECKPOINTS} checkpoints.")
    for name in ("subjects", "walks", "templates"):
        _count(fields, name)
    _instant(fields["created_at"], "created_at")
    return HeaderLine(
        gallery=clean_gallery(_text(fields["gallery"], "gallery")),
        rules=_rules(rules),
        embedding_sizes=dict(_checkpoint(each) for each in listed),
    )


def read_subject(fields: Mapping[str, object]) -> SubjectLine:
    """A subject's line.

    Raises:
        InvalidField: a field is missing, unknown or cannot be used.
    """
    _require_fields(fields, _SUBJECT_FIELDS)
    name = fields["name"]
    return SubjectLine(
        subject=clean_subject(_text(fields["subject"], "subject")),
        name=None if name is None else clean_name(_text(name, "name")),
        metadata=clean_metadata(fields["metadata"]),
        created_at=_instant(fields["created_at"], "created_at"),
        updated_at=_instant(fields["updated_at"], "updated_at"),
    )


def read_walk(fields: Mapping[str, object], embedding_sizes: Mapping[str, int]) -> WalkLine:
    """A walk's line.

    Args:
        fields: of the line.
        embedding_sizes: D of each checkpoint that the header lists.

    Raises:
        InvalidField: a field is missing, unknown or cannot be used.
    """
    _require_fields(fields, _WALK_FIELDS)
    walk_id = fields["id"]
    if not isinstance(walk_id, str) or not _UUID.fullmatch(walk_id):
        raise InvalidField("id", "A walk's id is a UUID in lower-case letters.")
    source = fields["source"]
    if not isinstance(source, str) or source not in _SOURCES:
        raise InvalidField("source", "The source must be 'file' or 'frames'.")
    direction = fields["direction"]
    if direction is not None and not (isinstance(direction, str) and direction in _DIRECTIONS):
        raise InvalidField("direction", "It must be left, right, towards, away or null.")
    gei_png = _bytes(fields["gei"], "gei")
    embeddings = _object(fields["embeddings"], "embeddings")
    return WalkLine(
        id=walk_id,
        created_at=_instant(fields["created_at"], "created_at"),
        source=source,
        direction=direction,
        quality=_quality(fields["quality"]),
        gei_png=gei_png,
        gei_size=gei_size_of(gei_png),
        vectors={
            checkpoint: _vector(text, checkpoint, embedding_sizes)
            for checkpoint, text in embeddings.items()
        },
    )


def read_end(fields: Mapping[str, object]) -> EndLine:
    """The last line.

    Raises:
        InvalidField: a field is missing, unknown or cannot be used.
    """
    _require_fields(fields, _END_FIELDS)
    sha256 = fields["sha256"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise InvalidField("sha256", "It must be 64 hexadecimal digits in lower case.")
    return EndLine(
        subjects=_count(fields, "subjects"),
        walks=_count(fields, "walks"),
        templates=_count(fields, "templates"),
        sha256=sha256,
    )


def _require_fields(fields: Mapping[str, object], wanted: frozenset[str]) -> None:
    if fields.keys() == wanted:
        return
    missing = sorted(wanted - fields.keys())
    if missing:
        raise InvalidField(missing[0], f"The field '{missing[0]}' is missing.")
    unknown = sorted(fields.keys() - wanted)[0][:64]
    raise InvalidField(unknown, f"There is no field {json.dumps(unknown)} in this kind of line.")


def _rules(fields: Mapping[str, object]) -> GalleryRules:
    numbers: dict[str, int | None] = {}
    for name, value in fields.items():
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise InvalidField(name, "A rule is a whole number, or null for no rule.")
        numbers[name] = value
    rules = GalleryRules(**numbers)
    clean_rules(
        {
            "walks_per_subject": rules.walks_per_subject,
            "keep_walks_days": rules.keep_walks_days,
            "keep_subjects_days": rules.keep_subjects_days,
        }
    )
    return rules


def _checkpoint(value: object) -> tuple[str, int]:
    fields = _object(value, "checkpoints")
    _require_fields(fields, _CHECKPOINT_FIELDS)
    checkpoint_id, size = fields["id"], fields["embedding_size"]
    if not isinstance(checkpoint_id, str) or not _CHECKPOINT_ID.fullmatch(checkpoint_id):
        raise InvalidField("checkpoints", "A checkpoint's id has 1 to 128 ASCII characters.")
    if type(size) is not int or not 1 <= size <= MAX_EMBEDDING_SIZE:
        raise InvalidField(
            "checkpoints", f"An embedding size lies between 1 and {MAX_EMBEDDING_SIZE}."
        )
    return checkpoint_id, size


def _vector(value: object, checkpoint: str, embedding_sizes: Mapping[str, int]) -> bytes:
    size = embedding_sizes.get(checkpoint)
    if size is None:
        shown = json.dumps(checkpoint[:128])
        raise InvalidField("embeddings", f"The header does not list the checkpoint {shown}.")
    packed = _bytes(value, "embeddings")
    if len(packed) != 4 * size:
        raise InvalidField(
            "embeddings",
            f"The embedding by '{checkpoint}' has {len(packed)} bytes; {size} float32 values have"
            f" {4 * size}.",
        )
    vector_d = np.frombuffer(packed, dtype="<f4")
    with np.errstate(over="ignore", invalid="ignore"):
        squared_length = float(vector_d @ vector_d)
    # Of a vector with NaN or infinity neither comparison would hold.
    if not abs(squared_length - 1.0) <= _LENGTH_TOLERANCE:
        raise InvalidField(
            "embeddings",
            f"The embedding by '{checkpoint}' must have finite values and the length 1.",
        )
    return packed


def _quality(value: object) -> str:
    quality = _object(value, "quality")
    score = quality.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise InvalidField("quality", "The score must be a number from 0 to 1.")
    if score is not None and not 0 <= score <= 1:
        raise InvalidField("quality", "The score must be a number from 0 to 1.")
    try:
        clean_metadata(quality)
    except InvalidField as error:
        raise InvalidField("quality", error.detail.replace("metadata", "quality")) from None
    return json_text(quality)


def _object(value: object, field: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidField(field, "It must be a JSON object.")
    return value


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidField(field, "It must be text.")
    return value


def _bytes(value: object, field: str) -> bytes:
    try:
        return binascii.a2b_base64(_text(value, field), strict_mode=True)
    except ValueError:
        raise InvalidField(field, "It is not base64.") from None


def _count(fields: Mapping[str, object], field: str) -> int:
    value = fields[field]
    if type(value) is not int or value < 0:
        raise InvalidField(field, "It must be a whole number, 0 or more.")
    return value


def _instant(value: object, field: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(value, field))
        # A time without a zone would be taken for one of this machine's.
        in_utc = instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise InvalidField(field, "It must be a time with a time zone, as in ISO 8601.")
    if in_utc < _EARLIEST:
        raise InvalidField(field, "A time before 1970 cannot be right.")
    return in_utc
