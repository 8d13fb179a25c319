"""One walk on its way to the service: a file as it is, or frames packed into one stored zip.

Shape letters: T frames, H rows, W columns.

A folder of frames becomes an archive rather than hundreds of parts: one walk is then one part,
several walks can share a request, and a retry sends the same bytes (the service compares them under
an `Idempotency-Key`).
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    # A path to a video, an archive or a folder of frames; or frames: encoded, or (T, H, W) masks.
    RawMedia = str | Path | Sequence[bytes] | NDArray[np.uint8] | Sequence[NDArray[np.uint8]]

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
# Folders up to this many bytes are packed in memory, larger ones into a temporary file.
_MEMORY_BYTES = 8 * 1024 * 1024
# The oldest moment a zip can hold: frames packed twice give the same bytes.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class MediaNotFound(Exception):
    """The path given as a walk does not lead to a file or to a folder with frames."""


@contextmanager
def open_walk(media: RawMedia) -> Iterator[tuple[str, IO[bytes]]]:
    """Opens one walk for sending.

    Args:
        media: a path to a video, an archive or a folder of PNG/JPEG frames (in the order of their
            names, numbers by value); or the frames themselves, encoded as PNG or JPEG, or as
            (H, W) arrays, everything above 0 being the walker.

    Yields:
        The name to send and the open file, which is read in pieces.

    Raises:
        MediaNotFound: there is nothing to send at that path, or no frame was given.
    """
    if isinstance(media, (str, Path)):
        path = Path(media)
        if path.is_dir():
            frames = folder_frames(path)
            if not frames:
                raise MediaNotFound(f"The folder {path} holds no PNG or JPEG frames.")
            content_bytes = sum(path.stat().st_size for path in frames)
            with _zipped(
                _read_in_order(frames), in_memory=content_bytes <= _MEMORY_BYTES
            ) as packed:
                yield f"{path.name}.zip", packed
        elif path.is_file():
            with path.open("rb") as stream:
                yield path.name, stream
        else:
            raise MediaNotFound(f"There is no file or folder {path}.")
        return
    if len(media) == 0:
        raise MediaNotFound("No frames were given.")
    encoded = (frame if isinstance(frame, bytes) else encode_mask(frame) for frame in media)
    with _zipped(_numbered(encoded), in_memory=True) as packed:
        yield "frames.zip", packed


def folder_frames(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in the order they were filmed: frame-2 before frame-10."""
    pictures = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    ]
    return sorted(pictures, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """A sorting key under which the numbers inside a name count by value."""
    pieces = re.findall(r"\d+|\D+", name)
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces)


def encode_mask(mask_hw: NDArray[np.uint8]) -> bytes:
    """Encodes one mask as a PNG with 0 and 255.

    Args:
        mask_hw: (H, W), any integer or bool type; everything above 0 is the walker.
    """
    import cv2  # noqa: PLC0415 (who sends files never needs it)

    # Unfiltered rows of a mask pack as well and are decoded in half the time (OpenCV 5.0).
    unfiltered = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    done, png = cv2.imencode(".png", (mask_hw > 0).astype("uint8") * 255, unfiltered)
    if not done:
        raise ValueError(f"A mask of shape {mask_hw.shape} cannot be written as a PNG.")
    return png.tobytes()


def _read_in_order(frames: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """The frames under new names: their order in the archive must not depend on how names sort."""
    for index, path in enumerate(frames):
        yield f"{index:06d}{path.suffix.lower()}", path.read_bytes()


def _numbered(frames: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for index, frame in enumerate(frames):
        suffix = ".png" if frame.startswith(b"\x89PNG") else ".jpg"
        yield f"{index:06d}{suffix}", frame


@contextmanager
def _zipped(frames: Iterable[tuple[str, bytes]], *, in_memory: bool) -> Iterator[IO[bytes]]:
    """Packs frames without compressing them again: PNG and JPEG are compressed already."""
    with io.BytesIO() if in_memory else tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for name, content in frames:
                archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content)
        packed.seek(0)
        yield packed
