"""PNGs of one bit per pixel, the leanest way to write a silhouette, unpacked without a decoder.

Forty of them take a third of the time that the general decoder needs.

Shape letters: H rows, W columns.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_PLAIN_ONE_BIT_GREY = bytes((1, 0, 0, 0, 0))
"""Depth, colour type, compression, filter method and interlace of the pictures read here."""


def decode_bilevel(data: bytes) -> NDArray[np.uint8] | None:
    """Decodes a whole PNG of one-bit grey with plain or "Sub" rows to (H, W) uint8, 0 or 255.

    Args:
        data: a PNG whose chunks and size were checked before.

    Returns:
        None for every other PNG, and for one whose rows are incomplete.
    """
    if data[24:29] != _PLAIN_ONE_BIT_GREY:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    stride = 1 + (width + 7) // 8
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(_pixel_chunks(data), stride * height)
    except zlib.error:
        return None
    if len(rows) != stride * height:
        return None
    packed_hw = np.frombuffer(rows, np.uint8).reshape(height, stride)
    filters_h, packed_hw = packed_hw[:, 0], packed_hw[:, 1:]
    if filters_h.max() > 1:
        return None
    differences_h = filters_h == 1  # PNG's filter "Sub": each byte is added to the one before
    if differences_h.any():
        summed_hw = np.add.accumulate(packed_hw, axis=1, dtype=np.uint8)
        packed_hw = np.where(differences_h[:, None], summed_hw, packed_hw)
    return np.unpackbits(packed_hw, axis=1, count=width) * np.uint8(255)


def _pixel_chunks(data: bytes) -> bytes:
    start, found = 8, []
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        if data[start + 4 : start + 8] == b"IDAT":
            found.append(data[start + 8 : start + 8 + length])
        start += 12 + length
    return b"".join(found)
