"""Walkers of whom a part is not seen for some of the way."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.capture.body_extent import whole_body
from model.capture.paths import Path
from model.capture.people import find_people
from model.capture.segmenter import Foreground
from model.capture.small_frames import SmallFrames
from model.capture.stretch import Scene
from tests.model.capture.scenes import HEIGHT, RATE, WIDTH, film, walk_thw

_TALL = 110.0
_STILL_T2 = np.zeros((500, 2))
_SCENE = Scene(WIDTH, HEIGHT, RATE, _STILL_T2, _STILL_T2)


def _wholly_seen(masks_thw: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Frames in which no side of the picture hides a part of the figure."""
    return np.flatnonzero(masks_thw.any(axis=(1, 2)) & ~masks_thw[:, :, [0, -1]].any((1, 2)))


def _path(masks_thw: NDArray[np.uint8], frames_n: NDArray[np.intp]) -> Path:
    """The boxes of what is seen of the figure."""
    boxes = [cv2.boundingRect(masks_thw[frame]) for frame in frames_n]
    boxes_n4 = np.array([[x, y, x + w, y + h] for x, y, w, h in boxes], dtype=np.float64)
    return Path(frames_n, boxes_n4, np.ones(frames_n.size, dtype=np.bool_))


def _strayed(path: Path, truth: Path) -> float:
    """How far crown and soles lie from where they are, in heights, at the most."""
    return float(np.abs(path.boxes_n4[:, 1::2] - truth.boxes_n4[:, 1::2]).max()) / _TALL


def test_legs_that_are_seen_now_and_then_belong_to_the_body_all_the_time() -> None:
    """Three frames of four show no more than a coat."""
    seen_thw = (walk_thw() > 0).astype(np.uint8)
    frames_n = _wholly_seen(seen_thw)
    truth = _path(seen_thw, frames_n)
    seen_thw[np.arange(len(seen_thw)) % 4 > 0, 110:] = 0
    followed = _path(seen_thw, frames_n)
    assert _strayed(followed, truth) > 0.4
    assert _strayed(whole_body(followed, seen_thw, _SCENE), truth) < 0.1


def test_who_is_half_outside_the_picture_is_no_witness_to_the_height() -> None:
    """A door at either side moves with who comes in, and goes out; in between legs come and go."""
    whole_thw = (walk_thw(frames=140, start=-20.0, pace=3.0) > 0).astype(np.uint8)
    there_n = np.flatnonzero(whole_thw.any(axis=(1, 2)))
    inside_n = np.isin(there_n, _wholly_seen(whole_thw))
    seen_thw = whole_thw.copy()
    for frame in there_n[~inside_n]:
        door = slice(0, 6) if whole_thw[frame, :, 0].any() else slice(-6, None)
        seen_thw[frame, 20:165, door] = 1
    seen_thw[there_n[inside_n & (there_n % 4 > 0)], 110:] = 0
    followed, truth = _path(seen_thw, there_n), _path(whole_thw, there_n[inside_n])

    def strayed(scene: Scene) -> float:
        found = whole_body(followed, seen_thw, scene)
        return _strayed(replace(found, boxes_n4=found.boxes_n4[inside_n]), truth)

    assert strayed(replace(_SCENE, width=100 * WIDTH)) > 0.4  # where the picture has no side
    assert strayed(_SCENE) < 0.1


def test_feet_below_a_coat_that_is_not_seen_belong_to_the_head() -> None:
    """The coat is of the grass's colour: head and feet are two pieces that keep together."""
    seen_thw = (walk_thw() > 0).astype(np.uint8)
    frames_n = _wholly_seen(seen_thw)
    truth = _path(seen_thw, frames_n)
    seen_thw[:, 95:125] = 0
    heads_thw = seen_thw.copy()
    heads_thw[:, 95:] = 0
    assert _strayed(whole_body(_path(heads_thw, frames_n), seen_thw, _SCENE), truth) < 0.1


def test_specks_below_the_feet_make_nobody_taller() -> None:
    """Something moves on the ground before the walker in every tenth frame."""
    seen_thw = (walk_thw() > 0).astype(np.uint8)
    truth = _path(seen_thw, _wholly_seen(seen_thw))
    seen_thw[::10, 172:178] = 1
    assert _strayed(whole_body(truth, seen_thw, _SCENE), truth) == 0.0


def test_somebody_who_moves_above_a_whole_walker_is_not_a_part_of_them() -> None:
    """On a wall behind the walker somebody waves, in every frame and as wide as a body."""
    seen_thw = (walk_thw(tall=60.0) > 0).astype(np.uint8)
    walker = _path(seen_thw, _wholly_seen(seen_thw))
    for frame, (left, top, right, _) in zip(
        walker.frames_n, walker.boxes_n4.astype(int), strict=True
    ):
        seen_thw[frame, top - 45 : top - 2, left:right] = 1
    assert _strayed(whole_body(walker, seen_thw, _SCENE), walker) == 0.0


def test_who_loses_the_legs_on_the_way_walks_on_in_one_direction() -> None:
    """Where the wall is light, trousers are taken for shade: nobody goes away from the camera."""
    masks_thw = walk_thw(90, pace=4.0)
    seen_thw = (masks_thw > 0).astype(np.uint8)
    seen_thw[:, 115:, WIDTH // 2 :] = 0
    shifts_t2 = np.zeros((len(seen_thw), 2))
    crowd = find_people(
        Foreground(
            frames=SmallFrames(film(masks_thw)),
            gains_tc=np.ones((len(seen_thw), 3), np.float32),
            masks_thw=seen_thw,
            scene=Scene(WIDTH, HEIGHT, RATE, shifts_t2, shifts_t2),
        )
    )
    (person,) = crowd.people
    (walk,) = person.walks
    assert walk.direction == "right"
    assert len(walk.frames_n) > 60
    assert walk.height > 0.9 * _TALL


def test_leaves_above_a_walker_make_no_giant() -> None:
    """Under a tree something moves above the walker for some steps, and not before and after."""
    seen_thw = np.repeat((walk_thw() > 0).astype(np.uint8), 2, axis=0)
    frames_n = _wholly_seen(seen_thw)
    followed = _path(seen_thw, frames_n)
    middle = slice(int(frames_n[0]) + frames_n.size // 3, int(frames_n[-1]) - frames_n.size // 3)
    crown = int(followed.boxes_n4[:, 1].min())
    seen_thw[middle, : crown - 4] = 1
    assert _strayed(whole_body(followed, seen_thw, _SCENE), followed) < 0.1
