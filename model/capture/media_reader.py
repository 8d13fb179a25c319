"""One upload's open files → frames or silhouettes, by what their first bytes say they are.

This is everything that looks into a stranger's bytes; the service runs it in a process that can
do no harm (`decoder_nursery.py`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

from model.capture.archive import frames_of_tar, frames_of_zip
from model.capture.clip_decoder import decode_clip
from model.capture.limits import CaptureLimits
from model.capture.sequence import frames_of_pictures, read_bundle
from model.capture.sink import FrameSink
from model.media import HEAD_BYTES, MediaKind, is_picture, media_kind
from model.refusals import MediaNotReadable


def read_media(
    files: Sequence[io.FileIO], limits: CaptureLimits, sink: FrameSink, *, threads: int
) -> None:
    """Decodes one recording.

    Args:
        files: one video, one archive, or pictures in walking order, open at their beginning.
        limits: see `CaptureLimits`.
        sink: takes the frames.
        threads: that decoding a video may use.

    Raises:
        MediaNotReadable: empty, damaged, or no picture, archive or video.
        MediaTooLarge: over one of the limits.
        ArchiveNotSafe: an archive with links, leaving paths, encryption or archives inside.
    """
    if len(files) == 1:
        _read_one(files[0], limits, sink, threads)
        return
    for number, file in enumerate(files, start=1):
        if not is_picture(_first_bytes(file)):
            raise MediaNotReadable(
                f"File {number} of {len(files)} is not a PNG or JPEG picture; several files make"
                " one walk only if all of them are pictures."
            )
    read_bundle(frames_of_pictures(files), limits, sink)


def _read_one(file: io.FileIO, limits: CaptureLimits, sink: FrameSink, threads: int) -> None:
    first_bytes = _first_bytes(file)
    kind = media_kind(first_bytes)
    if not first_bytes:
        raise MediaNotReadable("The file is empty.")
    if kind is MediaKind.VIDEO:
        decode_clip(file.fileno(), limits, sink, threads=threads)
    elif kind is MediaKind.ZIP:
        read_bundle(frames_of_zip(io.BufferedReader(file), limits), limits, sink)
    elif kind in (MediaKind.TAR, MediaKind.GZIP):
        is_gzipped = kind is MediaKind.GZIP
        archive = io.BufferedReader(file)
        read_bundle(frames_of_tar(archive, gzipped=is_gzipped, limits=limits), limits, sink)
    elif kind in (MediaKind.PNG, MediaKind.JPEG):
        read_bundle(frames_of_pictures([file]), limits, sink)
    else:
        raise MediaNotReadable(f"By its first bytes, the file is {kind.value}.")


def _first_bytes(file: io.FileIO) -> bytes:
    return os.pread(file.fileno(), HEAD_BYTES, 0)
