"""Writes a report: the video with masks, the pictures of each walk, and the page with all of it.

Shape letters: H rows, W columns, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture import CapturedWalk, CaptureLimits
from model.capture.frames import open_frames
from model.capture_report.overlay import overlaid
from model.capture_report.page import Still, WalkPictures, html_page
from model.capture_report.pictures import enlarged_gei, png_of, silhouette_strip
from model.capture_report.sighting import Sighting
from model.judged_walk import JudgedWalk
from model.refusals import WalkRefused
from model.silhouettes import SilhouetteSequence

_USUAL_RATE = 25.0
_MOST_STILLS = 6


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written.

    Attributes:
        page: the HTML page; it needs no other file.
        video: masks over frames; None where no frame could be decoded.
        pictures: strips and gait energy images, as PNG.
    """

    page: Path
    video: Path | None
    pictures: tuple[Path, ...]


def write_report(
    sighting: Sighting,
    paths: Sequence[Path],
    folder: Path,
    limits: CaptureLimits,
    *,
    title: str,
    frames_per_second: float | None = None,
) -> ReportFiles:
    """Writes everything into a folder, which is made if it is missing.

    Args:
        sighting: what was seen in the recording.
        paths: of the recording; its frames are decoded once more, for the video.
        folder: where to write.
        limits: as the recording was seen with.
        title: of the page.
        frames_per_second: as the recording was seen with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        (each.walk.walker, each.walk.first_frame): WalkPictures(
            strip_png=png_of(silhouette_strip(each.walk)),
            gei_png=png_of(enlarged_gei(each.image.gei_hw))
            if isinstance(each, JudgedWalk)
            else None,
        )
        for walks in sighting.people
        for each in walks
    }
    written = []
    for (walker, first_frame), of_walk in pictures.items():
        name = f"walker-{walker}-from-frame-{first_frame}"
        written.append(_written(folder / f"{name}-silhouettes.png", of_walk.strip_png))
        if of_walk.gei_png is not None:
            written.append(_written(folder / f"{name}-gei.png", of_walk.gei_png))
    video = folder / "masks.webm"
    stills = _film(sighting.walks, paths, video, limits, frames_per_second)
    page = folder / "index.html"
    has_video = bool(stills)
    page.write_text(
        html_page(sighting, pictures, stills, video if has_video else None, title=title),
        encoding="utf-8",
    )
    return ReportFiles(page, video if has_video else None, tuple(written))


def _film(
    walks: Sequence[CapturedWalk],
    paths: Sequence[Path],
    target: Path,
    limits: CaptureLimits,
    frames_per_second: float | None,
) -> tuple[Still, ...]:
    """Writes the video in one pass over the frames; keeps some of them as pictures.

    A recording that breaks off in the middle gives the part that could be decoded.
    """
    middles = sorted({(walk.first_frame + walk.last_frame) // 2 for walk in walks}) or [0]
    wanted = set(middles[:: -(-len(middles) // _MOST_STILLS)])
    stills = []
    writer: cv2.VideoWriter | None = None
    try:
        with open_frames(paths, limits, frames_per_second=frames_per_second) as media:
            rate = media.frames_per_second or _USUAL_RATE
            frames = _blank(media) if isinstance(media, SilhouetteSequence) else media
            for number, frame_hwc in enumerate(overlaid(frames, walks)):
                even_hwc = frame_hwc[: frame_hwc.shape[0] // 2 * 2, : frame_hwc.shape[1] // 2 * 2]
                if writer is None:
                    size = (even_hwc.shape[1], even_hwc.shape[0])
                    # VP8: every browser plays it, and OpenCV's wheels bring it along.
                    codec = cv2.VideoWriter.fourcc(*"VP80")
                    writer = cv2.VideoWriter(str(target), codec, rate, size)
                writer.write(even_hwc)
                if number in wanted:
                    stills.append(Still(number, png_of(frame_hwc)))
    except WalkRefused:
        pass  # the sighting says it already
    finally:
        if writer is not None:
            writer.release()
    return tuple(stills)


def _blank(media: SilhouetteSequence) -> Iterator[NDArray[np.uint8]]:
    """A black ground for silhouettes that came without a scene."""
    for _ in media.silhouettes:
        yield np.zeros((media.frame_height, media.frame_width, 3), np.uint8)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
