"""The three entrances through which a stranger's bytes come in: one input, no answer.

Each may refuse what it is given (`WalkRefused`); anything else that comes out is a finding.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.capture.archive import frames_of_tar, frames_of_zip
from model.capture.clip_decoder import decode_clip
from model.capture.limits import CaptureLimits
from model.capture.sequence import read_bundle
from model.refusals import WalkRefused
from model.silhouettes import Silhouette

CORPUS = Path(__file__).with_name("corpus")
"""One folder of seeds for each entrance."""

_LIMITS = replace(
    CaptureLimits(),
    max_pixels_per_frame=250_000,
    max_total_pixels=2_000_000,
    max_frames=50,
    max_entries=50,
    max_unpacked_bytes=2**20,
)
"""So small that an input takes a millisecond and the bounds are met often."""


class _Careful:
    """Takes frames and makes sure that they are what was announced; see `FrameSink`."""

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None

    def start_scene(self, width: int, height: int, frames_per_second: float | None) -> None:
        assert self._size is None
        assert 1 <= width <= _LIMITS.working_long_side
        assert 1 <= height <= _LIMITS.working_long_side
        assert frames_per_second is None or 0.0 < frames_per_second <= 240.0
        self._size = (width, height)

    def frame(self, frame_hwc: NDArray[np.uint8]) -> None:
        assert self._size is not None
        assert frame_hwc.dtype == np.uint8
        assert frame_hwc.ndim == 3
        assert frame_hwc.shape[2] == 3

    def start_silhouettes(self, width: int, height: int) -> None:
        assert self._size is None
        assert 1 <= width * height <= _LIMITS.max_pixels_per_frame
        self._size = (width, height)

    def silhouette(self, silhouette: Silhouette | None) -> None:
        assert self._size is not None
        if silhouette is not None:
            assert silhouette.mask_hw.max() == 1
            assert 0 <= silhouette.left <= self._size[0] - silhouette.width
            assert 0 <= silhouette.top <= self._size[1] - silhouette.height


def archive(data: bytes) -> None:
    """A zip, a tar, or a tar in gzip, and the pictures in it."""
    with _file(data) as file:
        frames: Generator[tuple[str, bytes], None, None]
        if data[:2] == b"PK":
            frames = frames_of_zip(file, _LIMITS)
        else:
            frames = frames_of_tar(file, gzipped=data[:2] == b"\x1f\x8b", limits=_LIMITS)
        _refusing(lambda: read_bundle(frames, _LIMITS, _Careful()))


def image(data: bytes) -> None:
    """A PNG or JPEG; a changed PNG a second time with checksums that are right again."""

    def frames(data: bytes) -> Generator[tuple[str, bytes], None, None]:
        yield "1", data

    for version in (data, _with_checksums(data)):
        _refusing(partial(read_bundle, frames(version), _LIMITS, _Careful()))


def video(data: bytes) -> None:
    """A clip, whatever its container."""
    with _file(data) as file:
        _refusing(lambda: decode_clip(file.fileno(), _LIMITS, _Careful(), threads=1))


ENTRANCES: dict[str, Callable[[bytes], None]] = {"archive": archive, "image": image, "video": video}


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks look undamaged, as an attacker's would."""
    mended, start = bytearray(data), 8
    while data.startswith(b"\x89PNG") and start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        stop = start + 12 + length
        if stop > len(data):
            break
        struct.pack_into(">I", mended, stop - 4, zlib.crc32(data[start + 4 : stop - 4]))
        start = stop
    return bytes(mended)


def _refusing(read: Callable[[], None]) -> None:
    with suppress(WalkRefused):
        read()


def _file(data: bytes) -> io.BufferedReader:
    """A file without a name, open at its beginning."""
    raw = io.FileIO(os.memfd_create("upload"), "r+")
    raw.write(data or b"\0")
    raw.seek(0)
    return io.BufferedReader(raw)
