"""Pictures made to harm, or merely odd."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.model.capture.scenes import figure_hw, hollow_png, jpeg, png

MIB = 2**20


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk under a valid checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(width: int, height: int, *middle: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of these chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(middle) + chunk(b"IEND", b"")


def png_of_texts() -> bytes:
    """Two hundred comments that unpack to a gigabyte, before one pixel."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 * MIB), 9))
    return raw_png(8, 8, text * 200, chunk(b"IDAT", zlib.compress(bytes(9 * 8))))


def png_of_four_gigabytes(end: bytes = b"") -> bytes:
    """An end that is none, and behind it a chunk whose length a decoder would believe.

    Found by fuzzing: OpenCV 5.0 sets four gigabytes aside and fills them, which takes half a
    minute.
    """
    return raw_png(1, 1)[:33] + chunk(b"IEND", end) + b"\xff\xff\xff\xf0IDAT" + bytes(50)


def png_with_too_many_rows() -> bytes:
    """64 MiB of rows behind a header of 100 x 100."""
    return raw_png(100, 100, chunk(b"IDAT", zlib.compress(bytes(64 * MIB), 9)))


def animated_png() -> bytes:
    """An APNG that announces four billion frames and holds one."""
    rows = zlib.compress(bytes((1 + 64) * 64))
    control = chunk(b"acTL", struct.pack(">II", 2**32 - 1, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 1, 0, 0))
    outside = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 2**31 - 1, 9, 2**31, 0, 1, 0, 9, 9))
    return raw_png(64, 64, control, frame, chunk(b"IDAT", rows), outside)


def jpeg_of_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG that goes over its pixels again and again."""
    picture_hw = np.random.default_rng(1).integers(0, 255, (side, side), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 50]
    data = bytes(cv2.imencode(".jpg", picture_hw, options)[1])
    first, last = data.index(b"\xff\xda"), data.rindex(b"\xff\xda")
    return data[:first] + data[first:last] * scans + data[last:]


def huge_jpeg() -> bytes:
    """A small JPEG whose header says 65500 x 65500."""
    data = bytearray(jpeg(figure_hw(100, seconds=0.0)))
    position = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, position + 5, 65_500, 65_500)
    return bytes(data)


def encoded(suffix: str, picture: NDArray[np.uint8] | None = None) -> bytes:
    """A picture in a format that is not accepted."""
    if picture is None:
        picture = figure_hw(100, seconds=0.0)
    return bytes(cv2.imencode(suffix, picture)[1])


def flipped(data: bytes, seed: int) -> bytes:
    """Thirty bits turned over, none in the first bytes."""
    rng = np.random.default_rng(seed)
    damaged = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(32, damaged.size, 30)
    damaged[places] ^= (1 << rng.integers(0, 8, 30)).astype(np.uint8)
    return damaged.tobytes()


ONE_PIXEL = png(np.full((1, 1), 255, np.uint8))
HUGE_PNG = hollow_png
DEEP = png(np.full((40, 60), 40_000, np.uint16))
TRANSPARENT = png(np.full((40, 60, 4), 100, np.uint8))
