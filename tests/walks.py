"""Walks of generated people, as the media that callers send. Seeds lie outside those of training.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.client.media import encode_mask
from app.walker_files import write_walk
from model.walkers import Identity, Shot, walk_masks_thw

_FIRST_SEED = 9_700_000
# A passer-by at 25 frames a second, a little over two gait cycles.
_SHOT = Shot(frames=50, frame_height=160, frame_width=240, walker_pixels=90.0)


@cache
def walk_masks(person: int, *, walk: int = 1) -> NDArray[np.uint8]:
    """(T, H, W) uint8, 0 or 255: one walk of a person who never lived."""
    return walk_masks_thw(Identity.from_seed(_FIRST_SEED + person), walk_seed=walk, shot=_SHOT)


@cache
def walk_pictures(person: int, *, walk: int = 1) -> tuple[bytes, ...]:
    """The same walk, one PNG a frame."""
    return tuple(encode_mask(mask_hw) for mask_hw in walk_masks(person, walk=walk))


@cache
def walk_zip(person: int, *, walk: int = 1) -> bytes:
    """The same walk as a .zip of PNG frames."""
    return zip_of({f"{i:03d}.png": png for i, png in enumerate(walk_pictures(person, walk=walk))})


@cache
def walk_video(person: int, *, walk: int = 1) -> bytes:
    """The same walk as a grey MP4 before a wall."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_walk(
            walk_masks(person, walk=walk), Path(folder) / "walk", "mp4", frames_per_second=25.0
        )
        return path.read_bytes()


def zip_of(members: dict[str, bytes]) -> bytes:
    """An archive with these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()
