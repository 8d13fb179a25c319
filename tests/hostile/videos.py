"""Videos made to harm, or merely odd."""

from __future__ import annotations

import io
import struct
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from tests.model.capture.scenes import figure_hw

_SMALL = (96, 64)


@cache
def pictures(
    frames: int, width: int = _SMALL[0], height: int = _SMALL[1]
) -> tuple[NDArray[np.uint8], ...]:
    """Somebody in front of noise, (H, W, 3) each."""
    noise_hwc = np.random.default_rng(2).integers(60, 160, (height, width, 3), np.uint8)
    return tuple(
        np.where(
            figure_hw(20 + 4 * t, seconds=t / 25)[:height, :width, None] > 0, 20, noise_hwc
        ).astype(np.uint8)
        for t in range(frames)
    )


def encode(
    container: str,
    codec: str,
    pixels: str = "yuv420p",
    *,
    frames: int = 20,
    size: tuple[int, int] = _SMALL,
    rate: int = 25,
    rotation: int = 0,
    times: tuple[int, ...] = (),
) -> bytes:
    """A clip.

    Args:
        container: FFmpeg's name of the format.
        codec: of its video.
        pixels: their format.
        frames: how many.
        size: width and height, in pixels.
        rate: frames per second.
        rotation: that a player should apply, in degrees.
        times: of the frames, in ticks of 1/rate; else they follow each other.
    """
    packed = io.BytesIO()
    with av.open(packed, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        for number, picture_hwc in enumerate(pictures(frames, *size)):
            frame = av.VideoFrame.from_ndarray(picture_hwc, format="bgr24")
            frame = frame.reformat(format=pixels)
            frame.pts = times[number] if times else number
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    data = packed.getvalue()
    return _rotated(data, rotation) if rotation else data


def _rotated(data: bytes, degrees: int) -> bytes:
    """Turns the picture by the matrix in the track's header, as phones do."""
    quarter = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    a, b, c, d = (part * 0x10000 for part in quarter)
    position = data.index(b"tkhd") + 4 + 40
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    return data[:position] + matrix + data[position + 36 :]


@cache
def clip(container: str) -> bytes:
    """A good clip, to be damaged."""
    codec = {"mp4": "libx264", "avi": "mjpeg", "matroska": "mpeg4", "mpegts": "mpeg2video"}
    return encode(container, codec[container], "yuvj420p" if container == "avi" else "yuv420p")


def avi_with_rate(scale: int, rate: int) -> bytes:
    """An AVI whose stream says rate / scale frames per second."""
    data = bytearray(clip("avi"))
    position = data.index(b"strh") + 8
    struct.pack_into("<II", data, position + 20, scale, rate)
    struct.pack_into("<I", data, data.index(b"avih") + 8, 0)
    return bytes(data)


def avi_with_size(width: int, height: int) -> bytes:
    """An AVI whose headers claim that size."""
    data = bytearray(encode("avi", "rawvideo", "bgr24"))
    struct.pack_into("<II", data, data.index(b"avih") + 8 + 32, width, height)
    struct.pack_into("<ii", data, data.index(b"strf") + 8 + 4, width, height)
    return bytes(data)


def avi_without_frames() -> bytes:
    """Headers and an empty list of frames."""
    data = clip("avi")
    start = data.index(b"movi") + 4
    return data[: start - 8] + struct.pack("<I", 4) + b"movi"


def mp4_without_frames() -> bytes:
    """A film of no frames: its tables are there, and empty."""
    packed = io.BytesIO()
    with av.open(packed, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = *_SMALL, "yuv420p"
        output.start_encoding()
    return packed.getvalue()


def mp4_elsewhere() -> bytes:
    """An MP4 that says its pictures lie in another file."""
    data = clip("mp4")
    return data.replace(b"url \x00\x00\x00\x01", b"alis\x00\x00\x00\x00")


def sound_only() -> bytes:
    """An MP4 without a picture."""
    packed = io.BytesIO()
    with av.open(packed, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16_000, layout="mono")
        for number in range(20):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 1024 * number
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return packed.getvalue()


def ts_of_changing_size() -> bytes:
    """A transport stream whose picture grows in the middle."""
    return clip("mpegts") + encode("mpegts", "mpeg2video", size=(160, 120))
