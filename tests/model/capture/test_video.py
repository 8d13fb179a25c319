"""Clips are decoded in a child process that can die, hang or eat without harm."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import CaptureLimits, capture_recording, capture_walk
from model.capture.video import decode_clip
from model.refusals import MediaNotReadable, MediaTooLarge
from tests.model.capture.conftest import children
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
    """Memory does not depend on the clip's resolution."""
    small = decode_clip(clip, replace(CaptureLimits(), working_long_side=160))
    assert small.frames_thwc.shape == (len(walk_film_thwc), 90, 160, 3)
    tight = decode_clip(clip, replace(CaptureLimits(), max_kept_bytes=2**20))
    assert tight.frames_thwc.nbytes <= 2**20


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


def test_a_killed_decoder_costs_one_refusal(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder dies natively: the caller gets a refusal at once, and it had no secrets."""
    monkeypatch.setenv("WALKPRINT_TEST_SECRET", "do-not-tell")
    before = children()
    refusals: list[Exception] = []

    def capture() -> None:
        try:
            decode_clip(clip, CaptureLimits())
        except MediaNotReadable as refusal:
            refusals.append(refusal)

    caller = threading.Thread(target=capture)
    start = time.monotonic()
    caller.start()
    pid, environment = _decoder(before, deadline=start + 20.0)
    os.kill(pid, signal.SIGSEGV)
    caller.join(timeout=20.0)
    assert not caller.is_alive()
    assert len(refusals) == 1
    assert b"do-not-tell" not in environment


def _decoder(before: set[int], deadline: float) -> tuple[int, bytes]:
    """The decoder's process id and environment, as soon as it runs its own program."""
    while time.monotonic() < deadline:
        for pid in children() - before:
            process = Path(f"/proc/{pid}")
            if b"decoder_child" in (process / "cmdline").read_bytes():
                return pid, (process / "environ").read_bytes()
    pytest.fail("the decoder never started")


def test_a_decoder_that_takes_too_long_is_killed(clip: Path) -> None:
    """The wall clock counts, and the child is gone afterwards."""
    start = time.monotonic()
    with pytest.raises(MediaTooLarge, match="longer than"):
        capture_walk([clip], replace(CaptureLimits(), decode_timeout_seconds=0.02))
    assert time.monotonic() - start < 5.0


def test_a_decoder_without_memory_costs_one_refusal(clip: Path) -> None:
    """The address space of the child is bounded."""
    with pytest.raises(MediaNotReadable):
        capture_walk([clip], replace(CaptureLimits(), memory_bytes=64 * 2**20))
