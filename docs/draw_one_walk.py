"""Draws docs/pictures/one-walk.png: a walk, its silhouettes, its GEI and what the service answers.

    python -m docs.draw_one_walk

It starts a service of its own, enrols the passer-by of the sample clip among generated people and
asks who walks in another part of the clip. Nothing in the picture is drawn by hand.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.client import Client, Identification
from app.demo.people import NAMES, enrolled_walks
from app.demo.service_process import ServiceProcess
from app.demo.street import STREET_WALKER, cut_street
from model.capture import CapturedWalk, capture_recording
from model.gei import GeiConfig, energy_image
from model.silhouettes import Silhouette

PICTURE = Path(__file__).parent / "pictures" / "one-walk.png"
FRAMES = (3, 13, 23, 33, 43)  # of the clip
HEIGHT, GAP = 170, 10  # pixels
PAPER, INK, GREY = 255, (35, 30, 25), (120, 110, 100)
Image = NDArray[np.uint8]


def main() -> None:
    """Asks the service and draws."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        first, second = cut_street(folder)
        with ServiceProcess(folder / "data") as service, Client(service.url) as client:
            for person in NAMES:
                client.enroll(person, [walk.masks_thw() for walk in enrolled_walks(person)])
            client.enroll(STREET_WALKER, [first])
            answer = client.identify(second)
        ((walk, *_),) = capture_recording([second]).choose("only")
        rows = [
            _row("the clip", [_crop(frame, walk, at) for at, frame in _frames(second)]),
            _row("silhouettes", [_mask(walk, at) for at in FRAMES]),
            _row("gait energy image", [_gei(walk), _text(answer)]),
        ]
    PICTURE.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(PICTURE), np.vstack(rows))


def _frames(path: Path) -> list[tuple[int, Image]]:
    clip = cv2.VideoCapture(str(path))
    shown: list[tuple[int, Image]] = []
    for number in range(max(FRAMES) + 1):
        is_read, frame_hwc = clip.read()
        if is_read and number in FRAMES:
            shown.append((number, np.asarray(frame_hwc, np.uint8)))
    clip.release()
    return shown


def _crop(frame_hwc: Image, walk: CapturedWalk, at: int) -> Image:
    """The walker's surroundings, cut from the full-size frame."""
    top, left, size = _window(walk, at)
    scale = frame_hwc.shape[0] / walk.sequence.frame_height
    rows = slice(round(top * scale), round((top + size) * scale))
    columns = slice(round(left * scale), round((left + size) * scale))
    return _fitted(frame_hwc[rows, columns])


def _mask(walk: CapturedWalk, at: int) -> Image:
    top, left, size = _window(walk, at)
    silhouette = _silhouette(walk, at)
    mask_hw = np.zeros((walk.sequence.frame_height, walk.sequence.frame_width), np.uint8)
    if silhouette is not None:
        rows = slice(silhouette.top, silhouette.top + silhouette.height)
        columns = slice(silhouette.left, silhouette.left + silhouette.width)
        mask_hw[rows, columns] = silhouette.mask_hw * 255
    return _fitted(_coloured(mask_hw[top : top + size, left : left + size]))


def _silhouette(walk: CapturedWalk, at: int) -> Silhouette | None:
    """The walker in frame `at` of the clip; None before and after the walk."""
    inside = walk.first_frame <= at <= walk.last_frame
    return walk.sequence.silhouettes[at - walk.first_frame] if inside else None


def _window(walk: CapturedWalk, at: int) -> tuple[int, int, int]:
    """A square around the walker: top, left, size, in pixels of the masks."""
    silhouette = _silhouette(walk, at)
    if silhouette is None:
        return 0, 0, walk.sequence.frame_height // 2
    size = round(silhouette.height * 1.25)
    middle = silhouette.left + silhouette.width // 2
    top = max(0, silhouette.top - round(silhouette.height * 0.12))
    return top, min(max(0, middle - size // 2), walk.sequence.frame_width - size), size


def _gei(walk: CapturedWalk) -> Image:
    return _fitted(_coloured(energy_image(walk.sequence, GeiConfig()).gei_hw))


def _coloured(grey_hw: Image) -> Image:
    return np.asarray(cv2.cvtColor(grey_hw, cv2.COLOR_GRAY2BGR), np.uint8)


def _text(answer: Identification) -> Image:
    width = 4 * HEIGHT
    image_hwc = np.full((HEIGHT, width, 3), PAPER, np.uint8)
    found = "" if answer.subject is None else f": {answer.subject}"
    lines = [
        (f"decision  {answer.decision}{found}", INK),
        (f"score {answer.score:.3f}, threshold {answer.threshold:.3f}", INK),
        (f"{answer.gallery_size} people enrolled, target FPIR {answer.target_fpir:g}", GREY),
        (f"checkpoint {answer.checkpoint}", GREY),
    ]
    for number, (line, colour) in enumerate(lines):
        at = (24, 42 + 34 * number)
        cv2.putText(image_hwc, line, at, cv2.FONT_HERSHEY_DUPLEX, 0.62, colour, 1, cv2.LINE_AA)
    return image_hwc


def _row(title: str, images: list[Image]) -> Image:
    gap = np.full((HEIGHT, GAP, 3), PAPER, np.uint8)
    parts = [part for image_hwc in images for part in (gap, image_hwc)]
    line_hwc = np.hstack(parts)
    head_hwc = np.full((34, line_hwc.shape[1], 3), PAPER, np.uint8)
    cv2.putText(head_hwc, title, (GAP, 24), cv2.FONT_HERSHEY_DUPLEX, 0.55, GREY, 1, cv2.LINE_AA)
    width = (HEIGHT + GAP) * len(FRAMES) + GAP
    block_hwc = np.vstack((head_hwc, line_hwc))
    missing = width - block_hwc.shape[1]
    return np.pad(block_hwc, ((0, 0), (0, max(0, missing)), (0, 0)), constant_values=PAPER)[
        :, :width
    ]


def _fitted(image_hwc: Image) -> Image:
    """Scaled to the row's height, and padded or cut to a square."""
    scale = HEIGHT / image_hwc.shape[0]
    width = max(1, round(image_hwc.shape[1] * scale))
    scaled = np.asarray(cv2.resize(image_hwc, (width, HEIGHT), interpolation=cv2.INTER_AREA))
    left = max(0, HEIGHT - width) // 2
    padded = np.pad(scaled, ((0, 0), (left, max(0, HEIGHT - width - left)), (0, 0)))
    return np.asarray(padded[:, :HEIGHT], np.uint8)


if __name__ == "__main__":
    main()
