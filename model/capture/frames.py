"""One upload → its frames at working size, one after the other, or its silhouettes.

    with open_frames(paths, limits, frames_per_second=None) as media:
        if isinstance(media, SilhouetteSequence):
            ...                               # the bundle was masks already
        else:
            media.width, media.height, media.frames_per_second
            for frame_hwc in media:           # uint8 (H, W, 3), blue-green-red, all of one size
                window_thwc[n] = frame_hwc    # a view of shared memory: copy what is kept

A frame is good until the next one is asked for, and read-only. The working size follows from the
recording's own size alone (`working_long_side`, `working_short_side`), never from its length; no
more than a few frames are held at a time, however long the recording is. Refusals come out of
`open_frames` or out of the iteration, whenever the decoder meets the damage.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.capture.archive import frames_of_tar, frames_of_zip
from model.capture.clip import Clip
from model.capture.limits import CaptureLimits
from model.capture.media import HEAD_BYTES, MediaKind, is_picture, media_kind
from model.capture.sequence import frames_of_pictures, read_bundle
from model.capture.video import decode_clip
from model.refusals import MediaNotReadable
from model.silhouettes import SilhouetteSequence


class FrameStream:
    """The frames of a scene, in the order they were filmed.

    Attributes:
        width: of every frame, in pixels.
        height: of every frame, in pixels.
        frames_per_second: of these frames; None where the recording does not say.
    """

    def __init__(self, clip: Clip) -> None:
        self._frames_thwc = clip.frames_thwc
        self.height, self.width = (int(side) for side in clip.frames_thwc.shape[1:3])
        self.frames_per_second = clip.frames_per_second

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yields (H, W, 3) uint8 frames; each is good until the next is asked for."""
        yield from self._frames_thwc


@contextmanager
def open_frames(
    paths: Sequence[Path], limits: CaptureLimits, *, frames_per_second: float | None = None
) -> Iterator[FrameStream | SilhouetteSequence]:
    """Opens one recording for reading.

    Args:
        paths: one video, one .zip, .tar or .tar.gz of PNG/JPEG frames, or many PNG/JPEG frames in
            walking order. The content decides, not the name.
        limits: what decoding may cost.
        frames_per_second: of a bundle of frames, if known; a video knows its own.

    Raises:
        MediaNotReadable: empty, damaged, or no picture, archive or video.
        MediaTooLarge: over one of the limits.
        ArchiveNotSafe: an archive with links, leaving paths, encryption or archives inside.
        NoWalkerFound, WalkerCutOff: silhouettes without a walker, or with half of one.
    """
    media = _read(paths, limits, frames_per_second)
    yield FrameStream(media) if isinstance(media, Clip) else media


def _read(
    paths: Sequence[Path], limits: CaptureLimits, frames_per_second: float | None
) -> SilhouetteSequence | Clip:
    if not paths:
        raise MediaNotReadable("The walk holds no file.")
    if len(paths) == 1:
        return _read_one(paths[0], limits, frames_per_second)
    for number, path in enumerate(paths, start=1):
        if not is_picture(_first_bytes(path)):
            raise MediaNotReadable(
                f"File {number} of {len(paths)} is not a PNG or JPEG picture; several files make"
                " one walk only if all of them are pictures."
            )
    return read_bundle(
        frames_of_pictures(paths, limits), limits, frames_per_second=frames_per_second
    )


def _read_one(
    path: Path, limits: CaptureLimits, frames_per_second: float | None
) -> SilhouetteSequence | Clip:
    first_bytes = _first_bytes(path)
    kind = media_kind(first_bytes)
    if not first_bytes:
        raise MediaNotReadable("The file is empty.")
    if kind is MediaKind.VIDEO:
        return decode_clip(path, limits)
    if kind is MediaKind.ZIP:
        frames = frames_of_zip(path, limits)
    elif kind in (MediaKind.TAR, MediaKind.GZIP):
        frames = frames_of_tar(path, gzipped=kind is MediaKind.GZIP, limits=limits)
    elif kind in (MediaKind.PNG, MediaKind.JPEG):
        frames = frames_of_pictures([path], limits)
    else:
        raise MediaNotReadable(f"By its first bytes, the file is {kind.value}.")
    return read_bundle(frames, limits, frames_per_second=frames_per_second)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
