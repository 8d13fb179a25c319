"""Strangers' gait energy images, checked without an image library.

Only the one kind of PNG that Walkprint writes passes: 8 bits of grey, not interlaced, nothing in
it but the image. So no decoder ever meets another file, and no text or second picture comes along.
"""

from __future__ import annotations

import struct
import zlib

from app.errors import InvalidField

MAX_PNG_BYTES = 256 * 1024
MAX_SIDE_PIXELS = 512
"""Walkprint's own images are 64 × 44 and 128 × 88 pixels."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_GREY_8_BIT = b"\x08\0\0\0\0"  # depth, colour type, compression, filter, interlace
_HIGHEST_FILTER = 4
_CHUNK_FRAME_BYTES = 12


def gei_size_of(png: bytes) -> tuple[int, int]:
    """Checks an image from its header to its last pixel.

    Args:
        png: what the file says is an image.

    Returns:
        Height and width in pixels.

    Raises:
        InvalidField: anything but an 8-bit grey PNG of at most 512 × 512 pixels.
    """
    if len(png) > MAX_PNG_BYTES:
        raise _refused(f"has {len(png)} bytes; {MAX_PNG_BYTES} are allowed")
    if png[:16] != _SIGNATURE + b"\0\0\0\x0dIHDR" or png[-12:] != _END:
        raise _refused("is not a whole PNG")
    width, height = struct.unpack(">II", png[16:24])
    # Before a pixel is unpacked.
    if not (0 < width <= MAX_SIDE_PIXELS and 0 < height <= MAX_SIDE_PIXELS):
        raise _refused(f"has {width} × {height} pixels; {MAX_SIDE_PIXELS} a side are allowed")
    if png[24:29] != _GREY_8_BIT:
        raise _refused("is not an 8-bit grey PNG without interlacing")
    _check_pixels(_packed_pixels(png), height, width + 1)
    return height, width


def _packed_pixels(png: bytes) -> bytes:
    """Of all IDAT chunks, which must be all there is between header and end."""
    _check_sum(png, 12, 29)
    parts = []
    at, end = 33, len(png) - len(_END)
    while at < end:
        stop = at + _CHUNK_FRAME_BYTES + int.from_bytes(png[at : at + 4], "big")
        if stop > end or png[at + 4 : at + 8] != b"IDAT":
            raise _refused("holds something besides the image, or is damaged")
        _check_sum(png, at + 4, stop - 4)
        parts.append(png[at + 8 : stop - 4])
        at = stop
    return b"".join(parts)


def _check_sum(png: bytes, start: int, stop: int) -> None:
    if zlib.crc32(png[start:stop]) != int.from_bytes(png[stop : stop + 4], "big"):
        raise _refused("is damaged: a checksum does not match")


def _check_pixels(packed: bytes, height: int, stride: int) -> None:
    """Unpacks the rows, each of them a filter number and its pixels, and never a byte more."""
    expected = height * stride
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, expected + 1)
    except zlib.error:
        raise _refused("is damaged: its pixels cannot be unpacked") from None
    if len(rows) != expected or not unpacker.eof or unpacker.unused_data:
        raise _refused("does not have the pixels that its header says")
    if max(rows[::stride]) > _HIGHEST_FILTER:
        raise _refused("is damaged: its rows have no known filter")


def _refused(what: str) -> InvalidField:
    return InvalidField("gei", f"The image {what}.")
