"""A real walk: somebody passes a fixed camera on a street (app/samples, BSD licence beside it)."""

from __future__ import annotations

from pathlib import Path

import cv2

SAMPLE = Path(__file__).parent.parent / "samples" / "street.mp4"
STREET_WALKER = "street"
# Frames of the sample in which she is out from behind the tree and not yet at the edge: two parts
# without a frame in common.
_FIRST_PART, _SECOND_PART = (60, 110), (110, 160)


class SampleNotReadable(Exception):
    """The sample video is not where it should be, or OpenCV cannot decode or encode it."""


def cut_street(folder: Path) -> tuple[Path, Path]:
    """Cuts two clips of 1.7 seconds out of the sample.

    Args:
        folder: where the clips are written.

    Raises:
        SampleNotReadable: the sample cannot be read, or the clips not be written.
    """
    first, second = folder / "street-first.mp4", folder / "street-second.mp4"
    _cut(_FIRST_PART, first)
    _cut(_SECOND_PART, second)
    return first, second


def _cut(part: tuple[int, int], target: Path) -> None:
    sample = cv2.VideoCapture(str(SAMPLE))
    rate = sample.get(cv2.CAP_PROP_FPS)
    columns, rows = (
        int(sample.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    clip = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), rate, (columns, rows))
    written = 0
    for number in range(part[1]):
        is_read, frame_hwc = sample.read()
        if not (is_read and clip.isOpened()):
            break
        if number >= part[0]:
            clip.write(frame_hwc)
            written += 1
    sample.release()
    clip.release()
    if written != part[1] - part[0]:
        raise SampleNotReadable(f"Only {written} frames of {SAMPLE.name} could be cut out.")
