"""Scenes as clips on the disk, with their truth beside them; filmed once and found again.

Shape letters: X crossings, T frames, H rows, W columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.encoding import encode
from tests.scenes.filming import FilmedFrame, film
from tests.scenes.scene import Scene

_TRUTH_ROWS = 720
"""Truth of larger pictures is kept at half their size, or a quarter: capture works no finer."""


@dataclass(frozen=True)
class RecordedScene:
    """A clip and what is true about it.

    Attributes:
        scene: what was filmed.
        clip: the file.
        masks_xthw: bool (X, T, H, W), where the person of each crossing is seen; H and W are the
            picture's, or a half or quarter of them.
    """

    scene: Scene
    clip: Path
    masks_xthw: NDArray[np.bool_]


def record(scene: Scene, folder: Path) -> RecordedScene:
    """Films and encodes a scene, or takes what the same code filmed before.

    Args:
        scene: what to film.
        folder: where clips are kept; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{scene.seed:03}-{_fingerprint(scene)}"
    ending = "mp4" if scene.codec == "libx264" else "avi"
    clip, truth = folder / f"{name}.{ending}", folder / f"{name}.npz"
    shrink = 1
    while scene.height / shrink > _TRUTH_ROWS:
        shrink *= 2
    size = (len(scene.crossings), scene.frames, scene.height // shrink, scene.width // shrink)
    if not truth.exists():
        masks_xthw = np.zeros(size, dtype=np.bool_)
        encode(
            clip,
            _pictures(film(scene), masks_xthw),
            frames_per_second=scene.frames_per_second,
            codec=scene.codec,
            quality=scene.quality,
        )
        # The truth comes last: a film that was interrupted has none and is made again.
        np.savez_compressed(truth, packed=np.packbits(masks_xthw))
    with np.load(truth) as kept:
        bits = np.unpackbits(kept["packed"], count=int(np.prod(size)))
    return RecordedScene(scene, clip, bits.reshape(size).astype(np.bool_))


def _pictures(
    frames: Iterator[FilmedFrame], masks_xthw: NDArray[np.bool_]
) -> Iterator[NDArray[np.uint8]]:
    height, width = masks_xthw.shape[2:]
    for number, frame in enumerate(frames):
        for sight in frame.sights:
            small_hw = cv2.resize(
                sight.mask_hw.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
            )
            masks_xthw[sight.crossing, number] = small_hw >= 0.5
        yield frame.picture_hwc


def _fingerprint(scene: Scene) -> str:
    """Of the scene and of the code that films it."""
    digest = hashlib.sha256(repr(scene).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in {"catalogue.py", "__init__.py", "recorded.py"}:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
