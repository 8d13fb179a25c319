"""Generated walks as files: what `walkprint walkers` writes and the demo enrols.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from app.client.media import encode_mask, open_walk

WalkForm = Literal["zip", "folder", "mp4"]
FORMS: tuple[WalkForm, ...] = get_args(WalkForm)

# Grey levels of a generated video: a walker before a wall, apart enough for any segmenter.
_WALL, _WALKER = 70, 210
# Of the wall's plaster, so that the encoder of the video has something to hold on to.
_PLASTER_SPREAD = 12.0


class VideoNotWritten(Exception):
    """OpenCV on this machine cannot write MP4 files."""


def write_walk(
    masks_thw: NDArray[np.uint8], target: Path, form: WalkForm, *, frames_per_second: float
) -> Path:
    """Writes one walk.

    Args:
        masks_thw: (T, H, W), everything above 0 is the walker.
        target: without a suffix; missing folders are made.
        form: an archive of PNG frames, a folder of PNG frames, or a grey video before a wall.
        frames_per_second: of the video.

    Returns:
        What was written: a file, or a folder.

    Raises:
        VideoNotWritten: `form` is "mp4" and there is no codec for it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if form == "folder":
        target.mkdir(exist_ok=True)
        for number, mask_hw in enumerate(masks_thw):
            (target / f"{number:04d}.png").write_bytes(encode_mask(mask_hw))
        return target
    path = target.with_name(f"{target.name}.{form}")
    if form == "zip":
        with open_walk(masks_thw) as (_, packed):
            path.write_bytes(packed.read())
    else:
        _write_video(masks_thw, path, frames_per_second)
    return path


def _write_video(masks_thw: NDArray[np.uint8], path: Path, frames_per_second: float) -> None:
    rows, columns = masks_thw.shape[1] // 2 * 2, masks_thw.shape[2] // 2 * 2  # codecs want even
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(path), codec, frames_per_second, (columns, rows))
    if not video.isOpened():
        raise VideoNotWritten(f"{path} cannot be written as MP4; use zip or folder.")
    noise_hw = np.random.default_rng(0).normal(_WALL, _PLASTER_SPREAD, (rows, columns))
    wall_hw = cv2.GaussianBlur(noise_hw.clip(0, 255).astype(np.uint8), (0, 0), 1.5)
    for mask_hw in masks_thw:
        frame_hw = np.where(mask_hw[:rows, :columns] > 0, np.uint8(_WALKER), wall_hw)
        video.write(cv2.cvtColor(frame_hw.astype(np.uint8), cv2.COLOR_GRAY2BGR))
    video.release()
