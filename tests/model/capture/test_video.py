"""Clips become frames of working size, whatever container and format they come in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CaptureLimits, capture_recording, capture_walk
from model.capture.frames import open_frames
from model.capture.reading import FrameStream
from model.refusals import MediaNotReadable, MediaTooLarge
from tests.model.capture.scenes import RATE, only_walk, overlap, write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, walk_film_thwc: NDArray[np.uint8]) -> Path:
    """The filmed walk as an MP4."""
    return write_video(tmp_path_factory.mktemp("clip") / "walk.mp4", walk_film_thwc)


@pytest.mark.parametrize(("codec", "suffix"), [("mp4v", "mp4"), ("MJPG", "avi"), ("mp4v", "mkv")])
def test_a_walk_is_cut_out_of_a_clip(
    tmp_path: Path,
    walk_film_thwc: NDArray[np.uint8],
    walk_masks_thw: NDArray[np.uint8],
    codec: str,
    suffix: str,
) -> None:
    """The silhouettes agree with the truth, in every container."""
    path = write_video(tmp_path / f"walk.{suffix}", walk_film_thwc, codec=codec)
    walk = only_walk(capture_recording([path.rename(tmp_path / "upload")]))
    shares = overlap(walk, walk_masks_thw)
    assert shares.size >= 50
    assert shares.mean() > 0.93
    assert walk.sequence.frames_per_second == pytest.approx(RATE)


def test_frames_are_decoded_at_working_size(clip: Path, walk_film_thwc: NDArray[np.uint8]) -> None:
    """Which follows from the clip's own size alone, and the frames are those of the clip."""
    limits = replace(CaptureLimits(), working_long_side=160)
    with open_frames([clip], limits) as media:
        assert isinstance(media, FrameStream)
        assert (media.width, media.height) == (160, 90)
        assert media.frames_per_second == pytest.approx(RATE)
        number = -1
        for number, frame_hwc in enumerate(media):
            filmed_hwc = cv2.resize(walk_film_thwc[number], (160, 90), interpolation=cv2.INTER_AREA)
            assert np.abs(frame_hwc.astype(int) - filmed_hwc).mean() < 6.0
    assert number == len(walk_film_thwc) - 1


def test_a_clip_that_is_too_long_is_refused(clip: Path) -> None:
    """By its seconds or by its frames."""
    for limits in (
        replace(CaptureLimits(), max_seconds=2.0),
        replace(CaptureLimits(), max_frames=50),
    ):
        with pytest.raises(MediaTooLarge):
            capture_walk([clip], limits)


def test_a_clip_with_too_many_pixels_is_refused(clip: Path) -> None:
    """Before a frame is decoded."""
    with pytest.raises(MediaTooLarge, match="pixels"):
        capture_walk([clip], replace(CaptureLimits(), max_pixels_per_frame=10_000))


@pytest.mark.parametrize("kept", [0.01, 0.5])
def test_a_truncated_clip_is_refused(tmp_path: Path, clip: Path, kept: float) -> None:
    """An MP4 keeps its index at the end."""
    whole = clip.read_bytes()
    path = tmp_path / "walk.mp4"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(MediaNotReadable):
        capture_walk([path])


def test_garbage_behind_a_good_beginning_is_refused(tmp_path: Path) -> None:
    """The first bytes open the door to the decoder, no further."""
    path = tmp_path / "walk.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypisom" + np.random.default_rng(1).bytes(50_000))
    with pytest.raises(MediaNotReadable):
        capture_walk([path])
