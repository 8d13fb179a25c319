"""Several people in one recording, and one person several times."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.capture import Recording
from model.capture.background_segmenter import BackgroundSegmenter
from model.capture.windows import record
from model.refusals import SeveralWalkers
from tests.model.capture.scenes import (
    BLUE,
    HEIGHT,
    RATE,
    RED,
    WHITE,
    WIDTH,
    figure_hw,
    film_people,
    overlap,
    walk_thw,
)

_NOBODY = np.zeros((HEIGHT, WIDTH), np.uint8)


def _record(frames_thwc: NDArray[np.uint8], *, kept_bytes: int = 2**30) -> Recording:
    return record(frames_thwc, RATE, BackgroundSegmenter(), kept_bytes)


def _small_walk_thw(frames: int = 110, *, start: float, pace: float) -> NDArray[np.uint8]:
    return walk_thw(frames, start=start, pace=pace, tall=80.0, ground=150.0)


def _walkers(recording: Recording) -> list[int]:
    return [walk.walker for walk in recording.walks]


def _directions(recording: Recording) -> list[str | None]:
    return [walk.direction for walk in recording.walks]


@pytest.fixture(scope="module")
def meeting() -> tuple[Recording, NDArray[np.uint8], NDArray[np.uint8]]:
    """Two people who cross each other's way, and the truth of both; the second is in front."""
    right = _small_walk_thw(start=-20.0, pace=3.3)
    left = _small_walk_thw(start=340.0, pace=-3.3)
    behind = np.where(left > 0, np.uint8(0), right)
    return _record(film_people([(right, RED), (left, WHITE)])), behind, left


def test_people_who_cross_keep_their_numbers(
    meeting: tuple[Recording, NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    """Each walks before and after the crossing, in one direction, under one number."""
    recording, _, _ = meeting
    assert len(recording.walks) == 4
    by_walker = recording.walks_by_walker()
    assert [[walk.direction for walk in walks] for walks in by_walker] in (
        [["right", "right"], ["left", "left"]],
        [["left", "left"], ["right", "right"]],
    )
    assert {walk.people for walk in recording.walks} == {2}


def test_people_who_cross_are_never_one_silhouette(
    meeting: tuple[Recording, NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    """Stretches end where the two touch; up to there, each outline is of one person."""
    recording, right, left = meeting
    for walk in recording.walks:
        truth = right if walk.direction == "right" else left
        assert overlap(walk, truth).min() > 0.85


def test_a_few_steps_before_a_crossing_are_part_of_a_walk() -> None:
    """Who comes into the picture just before they meet somebody walks, however short that is."""
    right = _small_walk_thw(start=-20.0, pace=1.5)
    left = _small_walk_thw(start=160.0, pace=-1.5)
    recording = _record(film_people([(left, WHITE), (right, RED)]))
    before = [walk for walk in recording.walks if walk.last_frame < 70]
    assert sorted(str(walk.direction) for walk in before) == ["left", "right"]


def test_a_recording_of_two_people_who_meet_asks_who_is_meant(
    meeting: tuple[Recording, NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    """The refusal describes both, so that one can be chosen."""
    with pytest.raises(
        SeveralWalkers, match=r"2 people walk: walker 1 at .* pixels tall; walker 2"
    ):
        meeting[0].choose("only")


def test_somebody_who_is_there_for_a_moment_does_not_make_two_equal_walkers() -> None:
    """One walks through the whole picture, another for the last second at its edge."""
    through = _small_walk_thw(start=-20.0, pace=3.3)
    short = np.concatenate([np.stack([_NOBODY] * 88), _small_walk_thw(22, start=5.0, pace=3.3)])
    recording = _record(film_people([(through, RED), (short, WHITE)]))
    assert len(recording.walks_by_walker()) == 2
    assert [walk.walker for walks in recording.choose("only") for walk in walks] == [1]


def test_people_side_by_side_are_two() -> None:
    """Nobody is merged with a companion who keeps a step ahead all the time."""
    ahead = _small_walk_thw(start=20.0, pace=3.0)
    behind = _small_walk_thw(start=-40.0, pace=3.0)
    recording = _record(film_people([(ahead, RED), (behind, BLUE)]))
    assert set(_walkers(recording)) == {1, 2}
    for walk in recording.walks:
        assert overlap(walk, ahead).mean() > 0.9 or overlap(walk, behind).mean() > 0.9
    with pytest.raises(SeveralWalkers):
        recording.choose("only")


def test_one_person_who_passes_three_times_has_one_number() -> None:
    """Three walks, in turn to the right, to the left and to the right."""
    passes = [
        _small_walk_thw(start=-20.0, pace=3.3),
        _small_walk_thw(start=340.0, pace=-3.3),
        _small_walk_thw(start=-20.0, pace=3.3),
    ]
    recording = _record(film_people([(np.concatenate(passes), RED)]))
    assert _directions(recording) == ["right", "left", "right"]
    assert _walkers(recording) == [1, 1, 1]
    assert len(recording.choose("only")[0]) == 3


def test_two_people_one_after_the_other_are_told_by_their_clothes() -> None:
    """The second pass is somebody else's: two walkers, although never seen together."""
    first = np.concatenate([_small_walk_thw(start=-20.0, pace=3.3), np.stack([_NOBODY] * 110)])
    second = np.concatenate([np.stack([_NOBODY] * 110), _small_walk_thw(start=-20.0, pace=3.3)])
    recording = _record(film_people([(first, RED), (second, WHITE)]))
    assert _walkers(recording) == [1, 2]
    assert {walk.people for walk in recording.walks} == {1}


def test_who_comes_in_where_another_goes_out_is_somebody_else() -> None:
    """At the picture's side the one is hidden by the other for a moment."""
    out = np.concatenate([_small_walk_thw(104, start=-20.0, pace=3.3), np.stack([_NOBODY] * 110)])
    back = np.concatenate([np.stack([_NOBODY] * 100), _small_walk_thw(114, start=330.0, pace=-3.3)])
    recording = _record(film_people([(out, RED), (back, WHITE)]))
    assert _directions(recording) == ["right", "left"]
    assert _walkers(recording) == [1, 2]


def test_somebody_who_turns_round_makes_two_walks() -> None:
    """In the middle of the picture, without leaving it."""
    there = _small_walk_thw(70, start=-20.0, pace=3.3)
    back = _small_walk_thw(80, start=-20.0 + 3.3 * 70, pace=-3.3)
    recording = _record(film_people([(np.concatenate([there, back]), RED)]))
    assert _directions(recording) == ["right", "left"]
    assert _walkers(recording) == [1, 1]


def test_standing_is_no_part_of_a_walk() -> None:
    """Somebody who waits for two seconds in the middle walks before it and after it."""
    x_t = np.concatenate([np.linspace(-20, 150, 50), np.full(50, 150.0), np.linspace(150, 340, 56)])
    moving_t = np.concatenate([[0.0], np.cumsum(np.diff(x_t) > 0)])
    masks = np.stack(
        [
            figure_hw(x, seconds=moved / RATE, tall=80.0, ground=150.0)
            for x, moved in zip(x_t, moving_t, strict=True)
        ]
    )
    recording = _record(film_people([(masks, RED)]))
    assert _directions(recording) == ["right", "right"]
    assert _walkers(recording) == [1, 1]
    before, after = recording.walks
    assert before.last_frame < 62
    assert after.first_frame > 88
