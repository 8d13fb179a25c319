"""Galleries to export, and gallery files to import: real images, seeded vectors."""

from __future__ import annotations

import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from app.registry import NewCheckpoint, Registry
from tests.enrolling import CHECKPOINT, DIMENSIONS, enroll, unit_vector

CREATED_AT = "2025-06-01T08:00:00+00:00"
Line = dict[str, Any]


def gei_png(seed: int, height: int = 64, width: int = 44) -> bytes:
    """An 8-bit grey PNG, dark around a body of many greys, as large as a real image: 1.3 KB."""
    coarse_hw = np.random.default_rng(seed).integers(0, 256, (10, 5), dtype=np.uint8)
    gei_hw = np.zeros((height, width), dtype=np.uint8)
    body = (slice(height // 8, height * 7 // 8), slice(width // 4, width * 3 // 4))
    rows, columns = gei_hw[body].shape
    gei_hw[body] = cv2.resize(coarse_hw, (columns, rows))
    done, png = cv2.imencode(".png", gei_hw)
    assert done
    return png.tobytes()


def install(registry: Registry, checkpoint_id: str = CHECKPOINT) -> None:
    """Makes a checkpoint known, and the one that serves if none does."""
    about: dict[str, object] = {
        "network": {"embedding_size": DIMENSIONS},
        "gei": {"height": 64, "width": 44},
    }
    registry.checkpoints.install(NewCheckpoint(checkpoint_id, b"weights", about))
    registry.checkpoints.settle(NewCheckpoint(checkpoint_id, None, about), None)


def fill(registry: Registry, gallery: str, *, subjects: int, walks: int) -> None:
    """Enrols subjects `person-0`, `person-1`, ... with so many walks each."""
    for number in range(subjects):
        seeds = [1000 * number + walk for walk in range(walks)]
        enroll(
            registry,
            f"person-{number}",
            [unit_vector(seed) for seed in seeds],
            gallery=gallery,
            name=f"Person № {number}",
            metadata={"nested": {"number": number, "text": "ä\u0000"}},
            gei_png=gei_png(number),
        )


def exported(registry: Registry, gallery: str) -> bytes:
    """The whole file of a gallery."""
    return b"".join(registry.exchange.export(gallery))


def subject_line(subject: str, /, **changes: object) -> Line:
    """A subject; `changes` replace fields."""
    return {
        "kind": "subject",
        "subject": subject,
        "name": None,
        "metadata": {},
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        **changes,
    }


def walk_line(seed: int, /, **changes: object) -> Line:
    """A walk whose id, image and embedding follow from a seed; `changes` replace fields."""
    return {
        "kind": "walk",
        "id": f"00000000-0000-4000-8000-{seed:012x}",
        "created_at": CREATED_AT,
        "source": "file",
        "direction": "left",
        "quality": {"score": 0.5, "level": "fair"},
        "gei": base64_of(gei_png(seed)),
        "embeddings": {CHECKPOINT: base64_of(unit_vector(seed).astype("<f4").tobytes())},
        **changes,
    }


def base64_of(data: bytes) -> str:
    """Base64 on one line."""
    return binascii.b2a_base64(data, newline=False).decode()


def header_line(content: Sequence[Line], **changes: object) -> Line:
    """A header that fits the content; `changes` replace fields."""
    return {
        "kind": "gallery",
        "format": "walkprint-gallery",
        "version": 1,
        "gallery": "default",
        "rules": {"walks_per_subject": None, "keep_walks_days": None, "keep_subjects_days": None},
        "checkpoints": [{"id": CHECKPOINT, "embedding_size": DIMENSIONS}],
        **_counts(content),
        "created_at": CREATED_AT,
        **changes,
    }


def gallery_file(content: Sequence[Line], *, header: Mapping[str, object] | None = None) -> bytes:
    """A whole file with this content; `header` replaces fields of the header."""
    body = packed([header_line(content, **(header or {})), *content])
    end = {"kind": "end", **_counts(content), "sha256": hashlib.sha256(body).hexdigest()}
    return body + packed([end])


def packed(lines: Iterable[Line]) -> bytes:
    """Lines as bytes."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def png_of(header: bytes, packed_rows: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG of these parts with right checksums, whatever they say; `more` come before the end."""
    chunks = [(b"IHDR", header), (b"IDAT", packed_rows), *more, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks
    )


def _counts(content: Sequence[Line]) -> dict[str, int]:
    return {
        "subjects": sum(line.get("kind") == "subject" for line in content),
        "walks": sum(line.get("kind") == "walk" for line in content),
        "templates": sum(len(line.get("embeddings") or {}) for line in content),
    }
