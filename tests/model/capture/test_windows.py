"""Recordings longer than what is held at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import Recording
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.windows import record
from model.refusals import CameraMoves, NoWalkerFound
from tests.model.capture.scenes import (
    HEIGHT,
    RATE,
    RED,
    WHITE,
    WIDTH,
    film,
    film_people,
    walk_thw,
)

_FRAME_BYTES = HEIGHT * WIDTH * 3
_EMPTY = np.zeros((60, HEIGHT, WIDTH), np.uint8)


def _record(frames: Iterator[NDArray[np.uint8]] | NDArray[np.uint8], held: int) -> Recording:
    return record(frames, RATE, BackgroundSegmenter(), held * _FRAME_BYTES)


def _pass_thw(*, pace: float) -> NDArray[np.uint8]:
    start = -20.0 if pace > 0 else 340.0
    return walk_thw(round(360 / abs(pace)), start=start, pace=pace, tall=80.0, ground=150.0)


def test_a_pass_over_a_window_s_end_is_one_walk() -> None:
    """Each pass is found once, and as long as when all frames are held at once."""
    passes = [_pass_thw(pace=5.0), _pass_thw(pace=-5.0), _pass_thw(pace=5.0)]
    frames_thwc = film(np.concatenate(passes))
    whole = _record(frames_thwc.copy(), 1000)
    parts = _record(iter(frames_thwc), 100)
    assert [walk.direction for walk in parts.walks] == ["right", "left", "right"]
    assert [walk.walker for walk in parts.walks] == [1, 1, 1]
    for part, one in zip(parts.walks, whole.walks, strict=True):
        assert abs(part.first_frame - one.first_frame) <= 3
        assert abs(part.last_frame - one.last_frame) <= 3


def test_a_walk_longer_than_a_window_is_cut() -> None:
    """Its parts follow each other, one person's in one direction."""
    recording = _record(iter(film(_pass_thw(pace=1.5))), 100)
    assert len(recording.walks) >= 2
    assert {(walk.walker, walk.direction) for walk in recording.walks} == {(1, "right")}
    ends = [walk.last_frame for walk in recording.walks[:-1]]
    assert all(
        0 < after.first_frame - end <= 3
        for end, after in zip(ends, recording.walks[1:], strict=True)
    )


def test_somebody_is_known_again_windows_later() -> None:
    """One who comes back keeps the number, one who comes for the first time gets a new one."""
    passes = [_pass_thw(pace=5.0), _EMPTY, _pass_thw(pace=-5.0), _EMPTY, _pass_thw(pace=5.0)]
    hers = np.concatenate([passes[0], passes[1], 0 * passes[2], passes[3], passes[4]])
    his = np.concatenate([0 * passes[0], passes[1], passes[2], passes[3], 0 * passes[4]])
    recording = _record(iter(film_people([(hers, RED), (his, WHITE)])), 120)
    assert [walk.walker for walk in recording.walks] == [1, 2, 1]
    assert recording.frames == len(hers)


def test_memory_does_not_depend_on_the_length() -> None:
    """Two and a half times the frames, and the peak is the same."""
    crossing_thwc = film(np.concatenate([_pass_thw(pace=6.0), _EMPTY[:20]]))

    def peak_bytes(times: int) -> int:
        frames = (frame for _ in range(times) for frame in crossing_thwc)
        tracemalloc.start()
        recording = _record(frames, 100)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(recording.walks) == times
        return peak

    assert peak_bytes(5) < 1.1 * peak_bytes(2)


def test_a_part_that_cannot_be_used_does_not_spoil_the_rest() -> None:
    """The camera is put up in the first seconds; the walk after it is found."""
    still_thwc = film(np.concatenate([_EMPTY, _pass_thw(pace=4.0)]))
    wide = np.concatenate([still_thwc[0], still_thwc[0][:, ::-1]], axis=1)
    panned = [np.ascontiguousarray(wide[:, 4 * t : 4 * t + WIDTH]) for t in range(70)]
    recording = _record(iter([*panned, *still_thwc]), 80)
    assert [walk.direction for walk in recording.walks] == ["right"]
    with pytest.raises(CameraMoves):
        _record(iter([*panned, *film(_EMPTY)]), 80)
    with pytest.raises(NoWalkerFound):
        _record(iter(film(np.concatenate([_EMPTY, _EMPTY]))), 80)
