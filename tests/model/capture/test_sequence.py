"""Bundles of frames: silhouettes are taken as they are, pictures of a scene are segmented."""

from __future__ import annotations

import io
import struct
import tarfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CaptureLimits, capture_recording, capture_walk
from model.refusals import (
    MediaNotReadable,
    MediaTooLarge,
    NoWalkerFound,
    TooFewFrames,
    WalkerCutOff,
)
from tests.model.capture.scenes import (
    figure_hw,
    hollow_png,
    jpeg,
    only_walk,
    overlap,
    png,
    write_zip,
    zip_of_masks,
)


def _some_masks(frames: int = 15) -> NDArray[np.uint8]:
    return np.stack([figure_hw(60 + 5 * t, seconds=t / 25) for t in range(frames)])


def test_silhouettes_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Every pixel of a clean mask is kept, blank frames are None, the rate is passed on."""
    masks = np.concatenate([np.zeros((4, 180, 320), np.uint8), _some_masks(40)])
    masks[20] = 0
    path = zip_of_masks(tmp_path / "walk.zip", masks)
    walk = only_walk(capture_recording([path], frames_per_second=20.0))
    sequence = walk.sequence
    found = [silhouette is not None for silhouette in sequence.silhouettes]
    assert walk.first_frame == 4
    assert found == [bool(mask.any()) for mask in masks[4:]]
    assert not all(found)
    assert overlap(walk, masks).min() == 1.0
    assert (sequence.frame_height, sequence.frame_width) == masks.shape[1:]
    assert sequence.frames_per_second == 20.0


def test_frames_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    """'frame 9' comes before 'frame 10', in whatever order they were packed."""
    masks = _some_masks()
    shuffled = [(f"frame {t}.png", png(masks[t])) for t in (9, 10, 1, 0, 14, 2, 3, 13, 4, 11, 5, 6)]
    sequence = capture_walk([write_zip(tmp_path / "walk.zip", shuffled)])
    lefts = [silhouette.left for silhouette in sequence.silhouettes if silhouette]
    assert lefts == sorted(lefts)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_tar_and_tar_gz_are_read_alike(tmp_path: Path, mode: str) -> None:
    """The same frames give the same silhouettes from every kind of archive."""
    masks = _some_masks()
    path = tmp_path / "walk"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for t, mask in enumerate(masks):
            data = png(mask)
            member = tarfile.TarInfo(f"walk/{t}.png")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert overlap(only_walk(capture_recording([path])), masks).min() == 1.0


def test_single_pictures_keep_the_order_they_were_sent_in(tmp_path: Path) -> None:
    """Uploads have random names: the order of the list is the order of the walk."""
    masks = _some_masks()
    paths = [tmp_path / f"{(t * 7) % 15}" for t in range(15)]
    for path, mask in zip(paths, masks, strict=True):
        path.write_bytes(png(mask))
    assert overlap(only_walk(capture_recording(paths)), masks).min() == 1.0


@pytest.mark.parametrize(
    "kind", ["zero and one", "jpeg", "one bit", "one bit, odd width", "colour"]
)
def test_every_way_of_writing_two_levels_is_a_silhouette(tmp_path: Path, kind: str) -> None:
    """0/1, 0/255, one-bit, three equal channels and JPEG ringing all mean the same mask."""

    def encode(mask_hw: NDArray[np.uint8]) -> bytes:
        if kind == "jpeg":
            return jpeg(mask_hw)
        if kind == "one bit":
            return bytes(cv2.imencode(".png", mask_hw, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
        if kind == "one bit, odd width":
            mask_hw[:, 317:] = 0
            return bytes(cv2.imencode(".png", mask_hw[:, :317], [cv2.IMWRITE_PNG_BILEVEL, 1])[1])
        return png(np.dstack([mask_hw] * 3) if kind == "colour" else mask_hw // 255)

    masks = _some_masks()
    path = write_zip(tmp_path / "w.zip", [(f"{t}.x", encode(m)) for t, m in enumerate(masks)])
    least = 0.97 if kind == "jpeg" else 1.0
    assert overlap(only_walk(capture_recording([path])), masks).min() >= least


def test_a_broken_walker_is_put_together_and_specks_are_dropped(tmp_path: Path) -> None:
    """A head apart from its body belongs to the walker; a speck in the corner does not."""
    whole = _some_masks()
    broken = whole.copy()
    neck = 165 - round(0.86 * 110)
    broken[:, neck : neck + 4] = 0
    truth = broken.copy()
    broken[:, 20:22, 300:302] = 255
    recording = capture_recording([zip_of_masks(tmp_path / "walk.zip", broken)])
    assert overlap(only_walk(recording), truth).min() == 1.0


def test_frames_cut_to_the_walker_are_accepted(tmp_path: Path) -> None:
    """Data sets hold silhouettes that touch the top and the bottom of each frame."""
    masks = np.stack([figure_hw(160, seconds=t / 25)[55:167, 110:210] for t in range(20)])
    masks = np.stack([cv2.resize(m[np.flatnonzero(m.any(axis=1))], (64, 64)) for m in masks])
    masks = np.where(masks > 127, np.uint8(255), np.uint8(0))
    sequence = capture_walk([zip_of_masks(tmp_path / "walk.zip", masks)])
    assert all(silhouette is not None for silhouette in sequence.silhouettes)


def test_inverted_silhouettes_are_refused(tmp_path: Path) -> None:
    """Black on white is no silhouette, and the refusal says which way round it must be."""
    with pytest.raises(NoWalkerFound, match="white on black"):
        capture_walk([zip_of_masks(tmp_path / "walk.zip", 255 - _some_masks())])


def test_blank_silhouettes_are_refused(tmp_path: Path) -> None:
    """Black frames show nobody."""
    with pytest.raises(NoWalkerFound):
        capture_walk([zip_of_masks(tmp_path / "walk.zip", np.zeros((20, 64, 64), np.uint8))])


def test_a_half_visible_silhouette_is_refused(tmp_path: Path) -> None:
    """Without feet in most frames there is no gait to see."""
    masks = _some_masks()[:, :120]
    with pytest.raises(WalkerCutOff):
        capture_walk([zip_of_masks(tmp_path / "walk.zip", masks)])


def test_frames_of_a_scene_are_segmented_like_video(
    tmp_path: Path, walk_film_thwc: NDArray[np.uint8], walk_masks_thw: NDArray[np.uint8]
) -> None:
    """Pictures that are no silhouettes go the way of a clip."""
    path = write_zip(
        tmp_path / "walk.zip",
        [(f"{t}.jpg", jpeg(frame)) for t, frame in enumerate(walk_film_thwc)],
    )
    walk = only_walk(capture_recording([path], frames_per_second=25.0))
    assert np.mean(overlap(walk, walk_masks_thw)) > 0.9


def test_three_frames_of_a_scene_are_too_few(
    tmp_path: Path, walk_film_thwc: NDArray[np.uint8]
) -> None:
    """Three pictures tell no background."""
    paths = [tmp_path / f"{t}" for t in range(3)]
    for path, frame in zip(paths, walk_film_thwc[30:33], strict=True):
        path.write_bytes(png(frame))
    with pytest.raises(TooFewFrames):
        capture_walk(paths)


def test_a_picture_among_silhouettes_is_named(
    tmp_path: Path, walk_film_thwc: NDArray[np.uint8]
) -> None:
    """A bundle is either silhouettes or pictures."""
    members = [(f"{t}.png", png(mask)) for t, mask in enumerate(_some_masks(6))]
    members += [(f"x{t}.png", png(walk_film_thwc[t, ..., 0])) for t in range(2)]
    with pytest.raises(MediaNotReadable, match=r"x0\.png"):
        capture_walk([write_zip(tmp_path / "walk.zip", members)])


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    """The frame that differs is named, with both sizes."""
    members = [(f"{t}.png", png(mask)) for t, mask in enumerate(_some_masks())]
    members[7] = ("7.png", png(_some_masks()[7][:, :200]))
    with pytest.raises(MediaNotReadable, match=r"'7\.png' has 200x180 .* 320x180"):
        capture_walk([write_zip(tmp_path / "walk.zip", members)])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_a_truncated_picture_is_refused_and_named(
    tmp_path: Path, walk_film_thwc: NDArray[np.uint8], suffix: str, kept: float
) -> None:
    """Half a picture must never be filled up with what lay in memory before."""
    encode = png if suffix == "png" else jpeg
    members = [(f"{t}.x", encode(walk_film_thwc[t])) for t in range(15)]
    whole = members[9][1]
    members[9] = ("9.x", whole[: int(kept * len(whole))])
    with pytest.raises(MediaNotReadable, match=r"'9\.x'"):
        capture_walk([write_zip(tmp_path / "walk.zip", members)])


def test_a_picture_with_rows_missing_is_refused(tmp_path: Path) -> None:
    """A PNG that is whole by its checksums but holds too few rows is damaged all the same."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + tail

    header = struct.pack(">IIBBBBB", 320, 180, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(321) * 90)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    members = [(f"{t}.png", png(mask)) for t, mask in enumerate(_some_masks())]
    members[9] = ("9.png", data)
    with pytest.raises(MediaNotReadable, match=r"'9\.png'"):
        capture_walk([write_zip(tmp_path / "walk.zip", members)])


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """PNG checksums are checked."""
    data = bytearray(png(_some_masks()[0]))
    data[len(data) // 2] ^= 0x10
    path = tmp_path / "1"
    path.write_bytes(bytes(data))
    with pytest.raises(MediaNotReadable):
        capture_walk([path])


def test_a_huge_picture_costs_nothing(tmp_path: Path) -> None:
    """30000x30000 pixels in a small file are refused from the header alone."""
    path = tmp_path / "1"
    path.write_bytes(hollow_png(30_000, 30_000))
    assert path.stat().st_size < 200_000
    start = time.perf_counter()
    with pytest.raises(MediaTooLarge, match="30000x30000"):
        capture_walk([path])
    assert time.perf_counter() - start < 0.5


def test_frames_and_their_pixels_are_bounded(tmp_path: Path) -> None:
    """Too many frames, too many pixels together, and too much time are refused."""
    path = zip_of_masks(tmp_path / "walk.zip", _some_masks())
    for limits in (
        replace(CaptureLimits(), max_frames=14),
        replace(CaptureLimits(), max_total_pixels=320 * 180 * 14),
        replace(CaptureLimits(), max_kept_bytes=10_000),
        replace(CaptureLimits(), decode_timeout_seconds=0.0),
    ):
        with pytest.raises(MediaTooLarge):
            capture_walk([path], limits)
