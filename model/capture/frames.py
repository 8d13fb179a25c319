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
more than a few dozen frames are held at a time, however long the recording is. Refusals come out of
`open_frames` or out of the iteration, whenever the decoder meets the damage.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from model.capture import sandbox_wire as wire
from model.capture.limits import CaptureLimits
from model.capture.reading import FrameStream, Reading
from model.capture.sandbox import start_decoder
from model.refusals import MediaNotReadable, MediaTooLarge
from model.silhouettes import SilhouetteSequence

DECODER_THREADS = 2
"""Of FFmpeg in one decoder."""


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
        OSError: a file cannot be opened, or no process can be started.
    """
    if not paths:
        raise MediaNotReadable("The walk holds no file.")
    if len(paths) > limits.max_entries:  # all of them are open at once in the decoder
        raise MediaTooLarge(
            f"The walk comes in more than {limits.max_entries} files; send them as a video.",
            max_entries=limits.max_entries,
        )
    plan = {
        "paths": [str(path.absolute()) for path in paths],
        "limits": asdict(limits),
        "threads": DECODER_THREADS,
    }
    ring_bytes = wire.ring_bytes_for(
        3 * limits.working_long_side * limits.working_short_side, limits.max_pixels_per_frame
    )
    decoder = start_decoder(plan, ring_bytes)
    try:
        yield Reading(decoder, limits, frames_per_second).begin()
    finally:
        decoder.close()
