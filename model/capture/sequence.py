"""A bundle of PNG or JPEG frames → silhouettes, or frames of a scene.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from model.capture.limits import CaptureLimits
from model.capture.mask import as_mask, cut_out_walker
from model.capture.picture import (
    PictureHeader,
    check_size,
    decode_colour,
    decode_grey,
    read_header,
)
from model.capture.sink import FrameSink
from model.capture.working_size import working_size
from model.refusals import MediaNotReadable, MediaTooLarge

_MAX_STRAY_FRAMES = 0.1
"""Share of frames that may fail to look like silhouettes in a bundle of silhouettes."""


def frames_of_pictures(
    files: Sequence[io.FileIO],
) -> Generator[tuple[str, bytes], None, None]:
    """Yields (number, file bytes) of pictures that were uploaded one by one, in their order."""
    for number, file in enumerate(files, start=1):
        yield str(number), file.read()


def read_bundle(
    frames: Generator[tuple[str, bytes], None, None], limits: CaptureLimits, sink: FrameSink
) -> None:
    """Decodes the frames of one walk, one at a time.

    The first frame that is not evenly black decides whether the bundle holds silhouettes or
    pictures of a scene.

    Args:
        frames: (name, file bytes) in walking order.
        limits: see `CaptureLimits`.
        sink: takes the silhouettes or the pictures.

    Raises:
        MediaNotReadable: a frame is no picture, damaged, of another size or of another sort.
        MediaTooLarge: too many pixels in one frame or in all of them.
    """
    bundle = _Bundle(limits, sink)
    with closing(frames):
        for name, data in frames:
            bundle.add(name, data)
    bundle.finish()


class _Bundle:
    """The frames of one walk while they are read."""

    def __init__(self, limits: CaptureLimits, sink: FrameSink) -> None:
        self._limits = limits
        self._sink = sink
        self._size: tuple[int, int] | None = None
        self._frames = 0
        self._pixels = 0
        self._is_scene = False
        self._are_silhouettes = False
        self._leading_blanks = 0
        self._strays: list[str] = []

    def add(self, name: str, data: bytes) -> None:
        """Takes one more frame."""
        label = f"frame '{name}'"
        header = read_header(data, label)
        check_size(header, label, self._limits)
        data = data[: header.file_bytes]
        self._count(header)
        if self._is_scene:
            self._add_picture(header, data, label)
            return
        grey_hw = decode_grey(data, label)
        self._check_same_size(grey_hw, label)
        mask_hw = as_mask(grey_hw)
        if mask_hw is None and not self._are_silhouettes:
            self._start_scene(*grey_hw.shape)
            self._add_picture(header, data, label)
        elif mask_hw is None:
            self._strays.append(name)
            self._sink.silhouette(None)
        else:
            self._add_mask(mask_hw)

    def finish(self) -> None:
        """Makes sure that the frames add up to something."""
        if self._size is None:
            raise MediaNotReadable("The upload holds no frames.")
        if self._is_scene:
            return
        if not self._are_silhouettes:
            self._start_silhouettes(*self._size)
        if len(self._strays) > _MAX_STRAY_FRAMES * self._frames:
            raise MediaNotReadable(
                f"Some frames are black-and-white silhouettes, but {len(self._strays)} are not,"
                f" for example '{self._strays[0]}'.",
                frames=self._frames,
                other_frames=len(self._strays),
            )

    def _count(self, header: PictureHeader) -> None:
        self._frames += 1
        self._pixels += header.width * header.height
        if self._frames > self._limits.max_frames:
            raise MediaTooLarge(
                f"The walk has more than {self._limits.max_frames} frames.",
                max_frames=self._limits.max_frames,
            )
        if self._pixels > self._limits.max_total_pixels:
            raise MediaTooLarge(
                f"The frames together have more than {self._limits.max_total_pixels} pixels.",
                max_total_pixels=self._limits.max_total_pixels,
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

    def _start_scene(self, height: int, width: int) -> None:
        self._is_scene = True
        self._sink.start_scene(*working_size(width, height, self._limits), None)
        for _ in range(self._leading_blanks):
            self._sink.frame(np.zeros((height, width, 3), np.uint8))

    def _start_silhouettes(self, height: int, width: int) -> None:
        self._are_silhouettes = True
        self._sink.start_silhouettes(width, height)
        for _ in range(self._leading_blanks):
            self._sink.silhouette(None)

    def _add_mask(self, mask_hw: NDArray[np.uint8]) -> None:
        silhouette = cut_out_walker(mask_hw)
        if silhouette is None and not self._are_silhouettes:
            self._leading_blanks += 1
            return
        if not self._are_silhouettes:
            self._start_silhouettes(*mask_hw.shape)
        self._sink.silhouette(silhouette)

    def _add_picture(self, header: PictureHeader, data: bytes, label: str) -> None:
        if header.is_grey:
            picture_hwc = np.repeat(decode_grey(data, label)[..., None], 3, axis=2)
        else:
            picture_hwc = decode_colour(data, label)
        self._check_same_size(picture_hwc, label)
        self._sink.frame(picture_hwc)
