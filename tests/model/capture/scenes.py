"""Filmed scenes with a known truth, drawn by the test that uses them.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture import CapturedWalk, Recording

HEIGHT, WIDTH, RATE = 180, 320, 25.0
_STEP_CYCLE_SECONDS = 1.08


def figure_hw(
    x: float, *, seconds: float, tall: float = 110.0, ground: float = 165.0, heading: int = 1
) -> NDArray[np.uint8]:
    """A person seen from the side, legs and arms swinging, as a 0/255 mask (H, W)."""
    mask_hw = np.zeros((HEIGHT, WIDTH), np.uint8)
    phase = 2 * np.pi * seconds / _STEP_CYCLE_SECONDS

    def limb(start: tuple[float, float], end: tuple[float, float], thick: float) -> None:
        points = [(round(px * 16), round(py * 16)) for px, py in (start, end)]
        cv2.line(mask_hw, points[0], points[1], 255, max(1, round(thick * tall)), cv2.LINE_8, 4)

    hip_y, neck_y = ground - 0.50 * tall, ground - 0.83 * tall
    limb((x, hip_y), (x, neck_y), 0.14)
    cv2.circle(mask_hw, (round(x), round(ground - 0.925 * tall)), round(0.07 * tall), 255, -1)
    for side in (0.0, np.pi):
        thigh = 0.45 * np.sin(phase + side)
        shin = thigh - 0.35 * (1 + np.sin(phase + side - 1.6)) / 1.2
        knee = (x + heading * 0.25 * tall * np.sin(thigh), hip_y + 0.25 * tall * np.cos(thigh))
        ankle = (
            knee[0] + heading * 0.23 * tall * np.sin(shin),
            knee[1] + 0.23 * tall * np.cos(shin),
        )
        limb((x, hip_y), knee, 0.085)
        limb(knee, ankle, 0.06)
        limb(ankle, (ankle[0] + heading * 0.07 * tall, ankle[1]), 0.035)
        arm = -0.4 * np.sin(phase + side)
        hand = (x + heading * 0.34 * tall * np.sin(arm), neck_y + 0.34 * tall * np.cos(arm))
        limb((x, neck_y + 0.04 * tall), hand, 0.045)
    return mask_hw


def walk_thw(
    frames: int = 75,
    *,
    start: float = -30.0,
    pace: float = 5.0,
    tall: float = 110.0,
    ground: float = 165.0,
) -> NDArray[np.uint8]:
    """A person who crosses the picture; `pace` in pixels per frame, (T, H, W) 0/255."""
    heading = 1 if pace > 0 else -1
    return np.stack(
        [
            figure_hw(start + pace * t, seconds=t / RATE, tall=tall, ground=ground, heading=heading)
            for t in range(frames)
        ]
    )


def backdrop_hwc(seed: int = 7, *, width: int = WIDTH, contrast: float = 22.0) -> NDArray[np.uint8]:
    """A textured, coloured, unmoving background."""
    rng = np.random.default_rng(seed)
    rough_hwc = rng.normal(size=(HEIGHT, width, 3)).astype(np.float32)
    texture_hwc = 6.0 * cv2.GaussianBlur(rough_hwc, (0, 0), 2.0) + 2.0 * rough_hwc * 0.2
    tint_c = np.array([118.0, 132.0, 126.0], np.float32)
    return np.clip(tint_c + contrast * texture_hwc, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Clothes:
    """Blue, green and red of a shirt and of trousers."""

    top: tuple[int, int, int]
    legs: tuple[int, int, int]


RED = Clothes((60, 40, 150), (70, 50, 35))
WHITE = Clothes((225, 228, 222), (40, 36, 34))
BLUE = Clothes((150, 70, 30), (90, 120, 150))


def film(
    masks_thw: NDArray[np.uint8],
    backdrop: NDArray[np.uint8] | None = None,
    *,
    noise: float = 2.0,
    shadow: bool = False,
    seed: int = 3,
) -> NDArray[np.uint8]:
    """Puts a clothed figure with camera noise before the backdrop, (T, H, W, 3)."""
    return film_people([(masks_thw, RED)], backdrop, noise=noise, shadow=shadow, seed=seed)


def film_people(
    people: Sequence[tuple[NDArray[np.uint8], Clothes]],
    backdrop: NDArray[np.uint8] | None = None,
    *,
    noise: float = 2.0,
    shadow: bool = False,
    seed: int = 3,
) -> NDArray[np.uint8]:
    """Films several people, the one in front last; masks as in `film`, (T, H, W, 3)."""
    rng = np.random.default_rng(seed)
    empty_hwc = (backdrop_hwc() if backdrop is None else backdrop).astype(np.float32)
    frames = []
    for t in range(len(people[0][0])):
        frame_hwc = empty_hwc.copy()
        for masks_thw, clothes in people:
            if masks_thw[t].any():
                if shadow:
                    _darken(frame_hwc, masks_thw[t])
                _dress(frame_hwc, masks_thw[t] > 0, clothes)
        frame_hwc += rng.normal(scale=noise, size=frame_hwc.shape)
        frames.append(np.clip(frame_hwc, 0, 255).astype(np.uint8))
    return np.stack(frames)


def _darken(frame_hwc: NDArray[np.float32], mask_hw: NDArray[np.uint8]) -> None:
    bottom = int(np.flatnonzero(mask_hw.any(axis=1))[-1])
    flat_hw = cv2.warpAffine(
        mask_hw,
        np.array([[1, -0.9, 0.9 * bottom], [0, 0.12, 0.88 * bottom]]),
        (WIDTH, HEIGHT),
    )
    frame_hwc *= (1.0 - 0.35 * cv2.GaussianBlur(flat_hw, (0, 0), 2.0) / 255.0)[..., None]


def _dress(frame_hwc: NDArray[np.float32], inside_hw: NDArray[np.bool_], clothes: Clothes) -> None:
    rows_h = np.arange(HEIGHT)[:, None]
    top, bottom = np.flatnonzero(inside_hw.any(axis=1))[[0, -1]]
    share_hw = np.broadcast_to((rows_h - top) / max(1, bottom - top), inside_hw.shape)
    frame_hwc[inside_hw & (share_hw < 0.15)] = (120, 150, 205)
    frame_hwc[inside_hw & (share_hw >= 0.15) & (share_hw < 0.5)] = clothes.top
    frame_hwc[inside_hw & (share_hw >= 0.5)] = clothes.legs


def write_video(path: Path, frames_thwc: NDArray[np.uint8], *, codec: str = "mp4v") -> Path:
    """Encodes frames to a clip."""
    size = (int(frames_thwc.shape[2]), int(frames_thwc.shape[1]))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), RATE, size)
    assert writer.isOpened()
    for frame_hwc in frames_thwc:
        writer.write(frame_hwc)
    writer.release()
    return path


def png(picture: NDArray[np.uint8]) -> bytes:
    """Encodes one picture."""
    return bytes(cv2.imencode(".png", picture)[1])


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Encodes one picture, with the ringing that comes with it."""
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def hollow_png(width: int, height: int) -> bytes:
    """A whole, valid PNG of that size that holds no pixels worth a byte."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(min(height, 3000))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def write_zip(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    """Packs members under the names given, whatever they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def zip_of_masks(path: Path, masks_thw: NDArray[np.uint8]) -> Path:
    """A zip of PNG silhouettes, numbered without leading zeros."""
    return write_zip(path, [(f"frame {t}.png", png(mask)) for t, mask in enumerate(masks_thw)])


def overlap(walk: CapturedWalk, masks_thw: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Intersection over union with the truth, for the frames in which the walker was found."""
    shares = []
    for frame, silhouette in enumerate(walk.sequence.silhouettes, start=walk.first_frame):
        if silhouette is not None:
            found_hw = np.zeros(masks_thw.shape[1:], dtype=np.bool_)
            rows = slice(silhouette.top, silhouette.top + silhouette.height)
            columns = slice(silhouette.left, silhouette.left + silhouette.width)
            found_hw[rows, columns] = silhouette.mask_hw > 0
            truth_hw = masks_thw[frame] > 0
            shares.append((found_hw & truth_hw).sum() / (found_hw | truth_hw).sum())
    return np.array(shares)


def only_walk(recording: Recording) -> CapturedWalk:
    """The one walk of a recording that must have no other."""
    (walk,) = recording.walks
    return walk
