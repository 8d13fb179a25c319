"""A bundle of PNG or JPEG frames → silhouettes, or frames of a scene.

Shape letters: T frames, H rows, W columns, C colour channels.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.clip import Clip, working_size
from model.capture.limits import CaptureLimits
from model.capture.mask import as_mask, check_masks, cut_out_walker
from model.capture.picture import (
    PictureHeader,
    check_size,
    decode_colour,
    decode_grey,
    read_header,
)
from model.refusals import MediaNotReadable, MediaTooLarge
from model.silhouettes import Silhouette, SilhouetteSequence

_MAX_STRAY_FRAMES = 0.1
"""Share of frames that may fail to look like silhouettes in a bundle of silhouettes."""
_SCENE_FRAMES_EXPECTED = 300
"""Frames a bundle is expected to hold when room for them is set aside."""


def frames_of_pictures(
    paths: Sequence[Path], limits: CaptureLimits
) -> Generator[tuple[str, bytes], None, None]:
    """Yields (number, file bytes) of pictures that were uploaded one by one, in their order.

    Raises:
        MediaTooLarge: more than `limits.max_frames`.
    """
    _check_frames(len(paths), limits)
    for number, path in enumerate(paths, start=1):
        yield str(number), path.read_bytes()


def read_bundle(
    frames: Generator[tuple[str, bytes], None, None],
    limits: CaptureLimits,
    *,
    frames_per_second: float | None,
) -> SilhouetteSequence | Clip:
    """Decodes the frames of one walk, one at a time, and keeps only what is needed of each.

    The first frame that is not evenly black decides whether the bundle holds silhouettes or
    pictures of a scene.

    Args:
        frames: (name, file bytes) in walking order.
        limits: see `CaptureLimits`.
        frames_per_second: of the recording, if the sender knows.

    Raises:
        MediaNotReadable: a frame is no picture, damaged, of another size or of another sort.
        MediaTooLarge: too many pixels in one frame or in all of them.
        NoWalkerFound, WalkerCutOff: silhouettes without a walker, or with half of one.
    """
    bundle = _Bundle(limits)
    with closing(frames):  # a refused archive is closed now, not when its traceback is forgotten
        for name, data in frames:
            bundle.add(name, data)
    return bundle.finish(frames_per_second)


class _Bundle:
    """The frames of one walk while they are read."""

    def __init__(self, limits: CaptureLimits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.decode_timeout_seconds
        self._size: tuple[int, int] | None = None
        self._frames = 0
        self._pixels = 0
        self._kept_bytes = 0
        self._silhouettes: list[Silhouette | None] = []
        self._pictures_hwc: list[NDArray[np.uint8]] = []
        self._is_scene = False
        self._blank_frames = 0
        self._strays: list[str] = []

    def add(self, name: str, data: bytes) -> None:
        """Takes one more frame."""
        label = f"frame '{name}'"
        header = read_header(data, label)
        check_size(header, label, self._limits)
        self._count(header)
        if self._is_scene:
            self._add_picture(header, data, label)
            return
        grey_hw = decode_grey(data, label)
        self._check_same_size(grey_hw, label)
        mask_hw = as_mask(grey_hw)
        if mask_hw is None and self._blank_frames == len(self._silhouettes):
            self._is_scene = True
            for _ in range(self._blank_frames):
                self._keep_picture(np.zeros((*grey_hw.shape, 3), np.uint8))
            self._add_picture(header, data, label)
            return
        if mask_hw is None:
            self._strays.append(name)
            self._silhouettes.append(None)
            return
        self._add_mask(mask_hw)

    def finish(self, frames_per_second: float | None) -> SilhouetteSequence | Clip:
        """What the frames add up to."""
        if self._size is None:
            raise MediaNotReadable("The upload holds no frames.")
        if self._is_scene:
            return Clip(np.stack(self._pictures_hwc), frames_per_second)
        if len(self._strays) > _MAX_STRAY_FRAMES * self._frames:
            raise MediaNotReadable(
                f"Some frames are black-and-white silhouettes, but {len(self._strays)} are not,"
                f" for example '{self._strays[0]}'.",
                frames=self._frames,
                other_frames=len(self._strays),
            )
        height, width = self._size
        check_masks([found for found in self._silhouettes if found], height, width)
        return SilhouetteSequence(
            silhouettes=tuple(self._silhouettes),
            frame_height=height,
            frame_width=width,
            frames_per_second=frames_per_second,
        )

    def _count(self, header: PictureHeader) -> None:
        self._frames += 1
        self._pixels += header.width * header.height
        _check_frames(self._frames, self._limits)
        if self._pixels > self._limits.max_total_pixels:
            raise MediaTooLarge(
                f"The frames together have more than {self._limits.max_total_pixels} pixels.",
                max_total_pixels=self._limits.max_total_pixels,
            )
        if time.monotonic() > self._deadline:
            raise MediaTooLarge(
                f"The frames take longer than {self._limits.decode_timeout_seconds:.0f} s to read."
            )

    def _check_same_size(self, pixels: NDArray[np.uint8], label: str) -> None:
        height, width = pixels.shape[:2]
        if self._size is None:
            self._size = (height, width)
        elif self._size != (height, width):
            raise MediaNotReadable(
                f"{label[:1].upper()}{label[1:]} has {width}x{height} pixels, the frames before it"
                f" {self._size[1]}x{self._size[0]}; the frames of a walk must agree.",
                width=width,
                height=height,
            )

    def _add_mask(self, mask_hw: NDArray[np.uint8]) -> None:
        silhouette = cut_out_walker(mask_hw)
        if silhouette is None:
            self._blank_frames += 1
        else:
            self._keep(silhouette.mask_hw.nbytes)
        self._silhouettes.append(silhouette)

    def _add_picture(self, header: PictureHeader, data: bytes, label: str) -> None:
        if header.is_grey:
            picture_hwc = np.repeat(decode_grey(data, label)[..., None], 3, axis=2)
        else:
            picture_hwc = decode_colour(data, label)
        self._check_same_size(picture_hwc, label)
        self._keep_picture(picture_hwc)

    def _keep_picture(self, picture_hwc: NDArray[np.uint8]) -> None:
        height, width = picture_hwc.shape[:2]
        size = working_size(
            width, height, frames=_SCENE_FRAMES_EXPECTED, channels=3, limits=self._limits
        )
        if size != (width, height):
            picture_hwc = np.asarray(
                cv2.resize(picture_hwc, size, interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
        self._keep(picture_hwc.nbytes)
        self._pictures_hwc.append(picture_hwc)

    def _keep(self, more_bytes: int) -> None:
        self._kept_bytes += more_bytes
        if self._kept_bytes > self._limits.max_kept_bytes:
            raise MediaTooLarge("The frames of this walk need more memory than one walk may have.")


def _check_frames(frames: int, limits: CaptureLimits) -> None:
    if frames > limits.max_frames:
        raise MediaTooLarge(
            f"The walk has more than {limits.max_frames} frames.", max_frames=limits.max_frames
        )
