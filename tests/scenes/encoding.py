"""Frames → a compressed clip, as a camera would have stored it.

PyAV's wheel brings FFmpeg with libx264; OpenCV's has no H.264 encoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.scenes.scene import Codec

_KEY_FRAME_SECONDS = 2.0


def encode(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    frames_per_second: float,
    codec: Codec = "libx264",
    quality: int = 23,
) -> Path:
    """Writes a clip.

    Args:
        path: its ending names the container.
        frames: uint8 (H, W, 3) each, blue-green-red; even height and width.
        frames_per_second: of the clip.
        codec: of the stream.
        quality: see `Scene`.
    """
    with av.open(str(path), "w") as container:
        stream: VideoStream | None = None
        for frame_hwc in frames:
            if stream is None:
                stream = container.add_stream(
                    codec, rate=Fraction(frames_per_second).limit_denominator(1001)
                )
                stream.height, stream.width = frame_hwc.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.gop_size = round(_KEY_FRAME_SECONDS * frames_per_second)
                stream.thread_count = 1
                if codec == "libx264":
                    stream.options = {"crf": str(quality), "preset": "veryfast"}
                else:
                    stream.options = {"qmin": str(quality), "qmax": str(quality)}
            picture = av.VideoFrame.from_ndarray(frame_hwc, format="bgr24")
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))
    return path
