"""One PNG or JPEG: its size read before decoding, its completeness checked, its pixels.

A decoder that is given half a picture may fill the rest with whatever lay in memory (OpenCV 4.10
did, with the previous picture), so an incomplete file never reaches it.

Shape letters: H rows, W columns, C colour channels (blue, green, red).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.bilevel import decode_bilevel
from model.capture.limits import CaptureLimits
from model.media import MediaKind, media_kind
from model.refusals import MediaNotReadable, MediaTooLarge

_PNG_COLOUR_TYPES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # PNG specification, table 11.1
_PNG_DEPTHS = (1, 2, 4, 8, 16)
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_STANDALONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_MAX_JPEG_SCANS = 100
"""Progressive pictures have about ten; thousands make a small file cost minutes."""
_SCANS_OF_LARGEST = 12
"""Every scan goes over all pixels again: the more pixels, the fewer scans are accepted."""
_PACKED_PNG_CHUNKS = (b"zTXt", b"iTXt", b"iCCP")
_ANIMATION_CHUNKS = (b"acTL", b"fcTL", b"fdAT")
"""Of animated PNGs, on some of which OpenCV 5.0 crashes; a frame of a walk is one picture."""
_MAX_PACKED_PNG_CHUNKS = 16
"""Texts and profiles, each of which may unpack to megabytes while no pixel is seen."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture says about itself before it is decoded.

    Attributes:
        width: in pixels.
        height: in pixels.
        is_grey: one channel without transparency or palette.
        file_bytes: up to the picture's end; what lies behind must not reach a decoder.
        scans: how often decoding goes over all pixels; about ten for a progressive JPEG.
    """

    width: int
    height: int
    is_grey: bool
    file_bytes: int
    scans: int = 1


def read_header(data: bytes, label: str) -> PictureHeader:
    """Reads the size of a PNG or JPEG and makes sure that the file is whole.

    Args:
        data: the whole file.
        label: how to name the picture in a refusal, e.g. "frame 'a/007.png'".

    Raises:
        MediaNotReadable: not a PNG or JPEG, damaged, or cut short.
    """
    kind = media_kind(data[:16])
    if kind is MediaKind.PNG:
        return _read_png_header(data, label)
    if kind is MediaKind.JPEG:
        return _read_jpeg_header(data, label)
    if not data:
        raise MediaNotReadable(f"{_sentence(label)} is empty.")
    raise MediaNotReadable(f"{_sentence(label)} is neither a PNG nor a JPEG picture.")


def check_size(header: PictureHeader, label: str, limits: CaptureLimits) -> None:
    """Refuses a picture with too many pixels before any of them is unpacked.

    Raises:
        MediaTooLarge: more than `limits.max_pixels_per_frame`, or too often.
    """
    pixels = header.width * header.height
    if pixels * header.scans > limits.max_pixels_per_frame * _SCANS_OF_LARGEST:
        raise MediaTooLarge(
            f"{_sentence(label)} has {header.width}x{header.height} pixels in {header.scans} scans;"
            " save it as an ordinary JPEG.",
            pixels=pixels,
            scans=header.scans,
        )
    if pixels > limits.max_pixels_per_frame:
        raise MediaTooLarge(
            f"{_sentence(label)} has {header.width}x{header.height} pixels; at most"
            f" {limits.max_pixels_per_frame} pixels are accepted.",
            pixels=pixels,
            max_pixels=limits.max_pixels_per_frame,
        )


def decode_grey(data: bytes, label: str) -> NDArray[np.uint8]:
    """Decodes a picture that `read_header` found whole, to (H, W) uint8 grey.

    Raises:
        MediaNotReadable: the decoder finds it damaged after all.
    """
    bilevel_hw = decode_bilevel(data) if media_kind(data[:16]) is MediaKind.PNG else None
    return _decode(data, label, cv2.IMREAD_GRAYSCALE) if bilevel_hw is None else bilevel_hw


def decode_colour(data: bytes, label: str) -> NDArray[np.uint8]:
    """Decodes a picture that `read_header` found whole, to (H, W, 3) uint8 blue-green-red.

    Raises:
        MediaNotReadable: the decoder finds it damaged after all.
    """
    return _decode(data, label, cv2.IMREAD_COLOR_BGR)


def _decode(data: bytes, label: str, flag: int) -> NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise MediaNotReadable(f"{_sentence(label)} is damaged and cannot be decoded.")
    return np.asarray(pixels, dtype=np.uint8)


def _read_png_header(data: bytes, label: str) -> PictureHeader:
    if len(data) < 33 or data[8:16] != b"\x00\x00\x00\rIHDR":
        raise MediaNotReadable(f"{_sentence(label)} is a PNG without a header: it is cut short.")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if width == 0 or height == 0 or colour not in _PNG_COLOUR_TYPES or depth not in _PNG_DEPTHS:
        raise MediaNotReadable(f"{_sentence(label)} is a PNG with an impossible header.")
    end = _end_of_png(data, label)
    return PictureHeader(width=width, height=height, is_grey=colour == 0, file_bytes=end)


def _end_of_png(data: bytes, label: str) -> int:
    """Walks over the chunks; a decoder believes their lengths, whatever memory that takes."""
    view = memoryview(data)
    start, end, packed_chunks, has_pixels = 8, len(data), 0, False
    while start + 12 <= end:
        length: int = struct.unpack_from(">I", data, start)[0]
        stop = start + 12 + length
        if stop > end:
            break
        (checksum,) = struct.unpack_from(">I", data, stop - 4)
        if zlib.crc32(view[start + 4 : stop - 4]) != checksum:
            raise MediaNotReadable(f"{_sentence(label)} is damaged: a PNG checksum is wrong.")
        kind = data[start + 4 : start + 8]
        if kind == b"IEND":
            if length != 0 or not has_pixels:
                raise MediaNotReadable(f"{_sentence(label)} is a PNG that ends without pixels.")
            return stop
        has_pixels = has_pixels or kind == b"IDAT"
        if kind in _ANIMATION_CHUNKS or (kind == b"IHDR" and start > 8):
            raise MediaNotReadable(f"{_sentence(label)} is a PNG of several pictures.")
        packed_chunks += kind in _PACKED_PNG_CHUNKS
        if packed_chunks > _MAX_PACKED_PNG_CHUNKS:
            raise MediaNotReadable(f"{_sentence(label)} is a PNG with too many texts.")
        start = stop
    raise MediaNotReadable(f"{_sentence(label)} is cut short: its last PNG chunk is missing.")


def _read_jpeg_header(data: bytes, label: str) -> PictureHeader:
    position, header = 2, None
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _JPEG_STANDALONE_MARKERS:
            position += 2
            continue
        if marker == 0xDA:  # start of scan
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker in _JPEG_FRAME_MARKERS and position + 10 <= len(data):
            height, width, channels = struct.unpack_from(">HHB", data, position + 5)
            header = PictureHeader(
                width=width, height=height, is_grey=channels == 1, file_bytes=len(data)
            )
        position += 2 + max(length, 2)
    if header is None or header.width == 0 or header.height == 0:
        raise MediaNotReadable(f"{_sentence(label)} is a JPEG without a size: it is cut short.")
    if data.rfind(b"\xff\xd9", position) < 0:
        raise MediaNotReadable(f"{_sentence(label)} is cut short: its JPEG end marker is missing.")
    scans = data.count(b"\xff\xda", position)
    if scans > _MAX_JPEG_SCANS:
        raise MediaNotReadable(f"{_sentence(label)} is a JPEG with too many scans.")
    return replace(header, scans=scans)


def _sentence(label: str) -> str:
    return label[:1].upper() + label[1:]
