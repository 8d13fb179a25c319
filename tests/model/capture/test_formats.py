"""What cameras, phones and editors write is read; what nobody films with is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CaptureLimits
from model.capture.frames import open_frames
from model.capture.reading import FrameStream
from model.refusals import MediaNotReadable
from tests.hostile.videos import encode, pictures

_LIMITS = CaptureLimits()


def _read(path: Path, clip: bytes) -> tuple[NDArray[np.uint8], float | None]:
    path.write_bytes(clip)
    with open_frames([path], _LIMITS) as media:
        assert isinstance(media, FrameStream)
        return np.stack([frame_hwc.copy() for frame_hwc in media]), media.frames_per_second


def _distance(frames_thwc: NDArray[np.uint8]) -> float:
    """Mean grey levels between a clip's first frames and what was filmed."""
    filmed_thwc = np.stack(pictures(20, frames_thwc.shape[2], frames_thwc.shape[1]))
    return float(np.abs(frames_thwc.astype(int) - filmed_thwc).mean())


@pytest.mark.parametrize(
    ("container", "codec", "pixels"),
    [
        ("mp4", "libx264", "yuv420p"),
        ("mp4", "libx264", "yuv420p10le"),
        ("mp4", "libx264", "yuv444p"),
        ("mp4", "libx264", "gray"),
        ("mp4", "libx265", "yuv420p"),
        ("mov", "prores_ks", "yuv422p10le"),
        ("avi", "rawvideo", "bgr24"),
        ("avi", "rawvideo", "yuv420p"),
        ("avi", "mjpeg", "yuvj420p"),
        ("avi", "msmpeg4", "yuv420p"),
        ("webm", "libvpx", "yuv420p"),
        ("matroska", "mpeg4", "yuv420p"),
        ("mpegts", "mpeg2video", "yuv420p"),
        ("mpeg", "mpeg1video", "yuv420p"),
    ],
)
def test_common_formats_are_read(tmp_path: Path, container: str, codec: str, pixels: str) -> None:
    """Every frame, in its colours or close to them, with the clip's rate."""
    frames_thwc, rate = _read(tmp_path / "clip", encode(container, codec, pixels))
    assert frames_thwc.shape == (20, 64, 96, 3)
    assert _distance(frames_thwc) < 25.0  # the noise behind the walker suffers most
    assert rate == pytest.approx(25.0)


@pytest.mark.parametrize("size", [(97, 63), (33, 47), (16, 120)])
def test_odd_sizes_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    """Without a column or row lost."""
    frames_thwc, _ = _read(tmp_path / "clip", encode("avi", "mjpeg", "yuvj444p", size=size))
    assert frames_thwc.shape == (20, size[1], size[0], 3)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_phone_held_upright_films_upright(tmp_path: Path, degrees: int) -> None:
    """The rotation that a file asks for is applied."""
    straight_thwc, _ = _read(tmp_path / "straight", encode("mp4", "libx264"))
    turned_thwc, _ = _read(tmp_path / "turned", encode("mp4", "libx264", rotation=degrees))
    expected_thwc = np.rot90(straight_thwc, -degrees // 90, axes=(1, 2))
    assert turned_thwc.shape == expected_thwc.shape
    assert np.abs(turned_thwc.astype(int) - expected_thwc).mean() < 2.0


def test_a_clip_of_changing_rate_keeps_its_frames(tmp_path: Path) -> None:
    """Phones drop frames in the dark; the rate is that of the whole clip."""
    times = tuple(n if n < 10 else 3 * n - 20 for n in range(20))
    frames_thwc, rate = _read(tmp_path / "clip", encode("mp4", "libx264", times=times))
    assert len(frames_thwc) == 20
    assert rate == pytest.approx(20 / (times[-1] + 1) * 25.0, rel=0.15)


def test_every_second_frame_of_a_fast_camera_is_enough(tmp_path: Path) -> None:
    """60 frames a second become 30."""
    frames_thwc, rate = _read(tmp_path / "clip", encode("mp4", "libx264", rate=60))
    assert len(frames_thwc) == 10
    assert rate == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("container", "codec", "pixels"),
    [("matroska", "ffv1", "yuv420p"), ("mov", "png", "rgb24"), ("avi", "huffyuv", "yuv422p")],
)
def test_other_decoders_get_no_picture_to_work_on(
    tmp_path: Path, container: str, codec: str, pixels: str
) -> None:
    """A container that is accepted does not open the door to every codec in it."""
    with pytest.raises(MediaNotReadable, match="not accepted"):
        _read(tmp_path / "clip", encode(container, codec, pixels))
