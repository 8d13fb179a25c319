"""A video → frames at working size, one after the other. Runs where it can do no harm.

The demuxers and decoders that FFmpeg may use are listed here; what a file calls itself decides
nothing. The upload is read through a descriptor that is open already, so FFmpeg may open nothing.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

import math
import os

import cv2
import numpy as np

from model.capture.limits import CaptureLimits
from model.capture.sink import FrameSink
from model.capture.working_size import working_size
from model.refusals import MediaNotReadable, MediaTooLarge

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts"
_DECODERS = (
    "h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,msmpeg4,msmpeg4v2,mpeg1video,mpeg2video,h263,mjpeg,"
    "prores,rawvideo"
)
"""What phones, cameras and editors write. Each further one is more code for a stranger to probe."""
_NO_PIXEL_FORMAT = -1.0
"""Where no decoder on the list has looked at the picture."""
_WORKING_RATE = 30.0
"""Frames per second that are kept; a step lasts about half a second."""
_SANE_RATE = (5.0, 240.0)
"""Frames per second; outside it the container is not believed."""
_USUAL_RATE = 30.0
"""Frames per second assumed where the container says nothing believable."""


def decode_clip(descriptor: int, limits: CaptureLimits, sink: FrameSink, *, threads: int) -> None:
    """Decodes a video.

    Args:
        descriptor: of the open file, at its beginning.
        limits: see `CaptureLimits`.
        sink: takes the frames.
        threads: that FFmpeg may use.

    Raises:
        MediaNotReadable: damaged, empty, or of a kind that is not accepted.
        MediaTooLarge: too many pixels, frames or seconds.
    """
    os.environ[_OPTIONS] = (
        f"protocol_whitelist;fd|format_whitelist;{_DEMUXERS}|codec_whitelist;{_DECODERS}"
        f"|fd;{descriptor}"
    )
    try:
        capture = cv2.VideoCapture("fd:", cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    finally:
        del os.environ[_OPTIONS]  # it speaks of this clip; OpenCV takes it from nowhere else
    try:
        _decode(capture, limits, sink)
    finally:
        capture.release()


def _decode(capture: cv2.VideoCapture, limits: CaptureLimits, sink: FrameSink) -> None:
    if not capture.isOpened():
        raise MediaNotReadable("The clip cannot be opened: it is damaged, empty or cut short.")
    if capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT) == _NO_PIXEL_FORMAT:
        raise MediaNotReadable(
            "The clip's video is damaged, or in a format that is not accepted; H.264 always is."
        )
    _check_pixels(
        capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT), limits
    )
    rate = capture.get(cv2.CAP_PROP_FPS)
    known_rate = rate if _SANE_RATE[0] <= rate <= _SANE_RATE[1] else None
    max_frames = math.ceil(min(limits.max_frames, limits.max_seconds * (known_rate or _USUAL_RATE)))
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > max_frames:
        raise _too_long(limits)
    stride = max(1, round((known_rate or _USUAL_RATE) / _WORKING_RATE))
    decoded, has_started = 0, False
    frame_hwc = None
    while capture.grab():
        decoded += 1
        if decoded > max_frames:
            raise _too_long(limits)
        if (decoded - 1) % stride:
            continue
        # Into the same memory each time: fresh memory for every frame costs as much as scaling it.
        is_readable, frame_hwc = capture.retrieve(frame_hwc)
        if not is_readable:
            continue
        height, width = frame_hwc.shape[:2]
        _check_pixels(width * height, limits)
        if not has_started:
            has_started = True
            sink.start_scene(
                *working_size(width, height, limits), known_rate / stride if known_rate else None
            )
        sink.frame(np.asarray(frame_hwc, dtype=np.uint8))
    if not has_started:
        raise MediaNotReadable("The clip holds no frame that can be decoded.")


def _check_pixels(pixels: float, limits: CaptureLimits) -> None:
    if pixels > limits.max_pixels_per_frame:
        raise MediaTooLarge(
            f"The clip's frames have more than {limits.max_pixels_per_frame} pixels.",
            max_pixels=limits.max_pixels_per_frame,
        )


def _too_long(limits: CaptureLimits) -> MediaTooLarge:
    return MediaTooLarge(
        f"The clip is longer than {limits.max_seconds:.0f} s or {limits.max_frames} frames.",
        max_seconds=limits.max_seconds,
        max_frames=limits.max_frames,
    )
