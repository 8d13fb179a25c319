"""The cache of generated walks: deterministic, resumable, and its GEIs are plain means."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from model.datasets.shard_building import WalkSetIncomplete, WalkSetMismatch
from model.datasets.walk_set import WalkSet
from model.datasets.walker_recipe import (
    CAMERAS_DEGREES,
    CONDITIONS,
    WalkerSetConfig,
    as_captured,
)
from model.datasets.walker_set import build_walker_set
from model.gei import GeiConfig, align, energy_image, mean_image
from model.silhouettes import SilhouetteSequence
from model.walkers import FaultSettings, Identity, Shot, walk_silhouettes

CONFIG = WalkerSetConfig(
    first_identity=700, identities=3, walks_per_identity=2, frames=40, frames_spread=6, seed=5
)


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> WalkSet:
    """Three people with two walks each, a shard per person."""
    folder = tmp_path_factory.mktemp("walkers") / "set"
    return build_walker_set(CONFIG, folder, processes=1, takes_per_shard=2)


def _same(one: WalkSet, other: WalkSet) -> bool:
    return (
        np.array_equal(one.subject_n, other.subject_n)
        and np.array_equal(one.view_n, other.view_n)
        and np.array_equal(one.walk_n, other.walk_n)
        and np.array_equal(one.condition_n, other.condition_n)
        and np.array_equal(one.geis_nhw, other.geis_nhw)
        and all(np.array_equal(one.silhouettes(i), other.silhouettes(i)) for i in range(len(one)))
    )


def test_two_processes_build_the_same_set_as_one(walkers: WalkSet, tmp_path: Path) -> None:
    again = build_walker_set(CONFIG, tmp_path / "again", processes=2, takes_per_shard=2)
    assert _same(again, walkers)


def test_another_seed_films_the_same_people_differently(walkers: WalkSet, tmp_path: Path) -> None:
    other = build_walker_set(replace(CONFIG, seed=6), tmp_path / "other", processes=1)
    assert np.array_equal(np.unique(other.subject_n), np.unique(walkers.subject_n))
    assert not np.array_equal(other.view_n, walkers.view_n)


def test_an_interrupted_build_is_finished_and_complete_shards_are_kept(
    walkers: WalkSet, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    shutil.copytree(walkers.folder, folder)
    (folder / "shard-00001").rename(folder / "shard-00001.draft")  # it was being written
    (folder / "shard-00001.draft" / "walks.npz").unlink()
    shutil.rmtree(folder / "shard-00002")
    kept = (folder / "shard-00000" / "walks.npz").stat().st_mtime_ns
    with pytest.raises(WalkSetIncomplete, match="2 of 3 shards"):
        WalkSet.open(folder)
    resumed = build_walker_set(CONFIG, folder, processes=1, takes_per_shard=2)
    assert _same(resumed, walkers)
    assert (folder / "shard-00000" / "walks.npz").stat().st_mtime_ns == kept
    assert sorted(path.name for path in folder.iterdir()) == [
        "set.json",
        "shard-00000",
        "shard-00001",
        "shard-00002",
    ]


def test_a_folder_with_other_settings_is_refused_and_left_alone(walkers: WalkSet) -> None:
    with pytest.raises(WalkSetMismatch, match="other settings"):
        build_walker_set(replace(CONFIG, frames=41), walkers.folder, takes_per_shard=2)
    assert len(WalkSet.open(walkers.folder)) == len(walkers)


def test_a_folder_made_by_another_generator_is_refused(walkers: WalkSet, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(walkers.folder, folder)
    card = json.loads((folder / "set.json").read_text())
    (folder / "set.json").write_text(json.dumps({**card, "fingerprint": "0" * 12}))
    with pytest.raises(WalkSetMismatch, match="generator"):
        build_walker_set(CONFIG, folder, takes_per_shard=2)


def test_opening_nothing_says_that_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(WalkSetIncomplete, match="No walk set"):
        WalkSet.open(tmp_path)


def test_a_window_over_the_whole_walk_is_its_direct_mean(walkers: WalkSet) -> None:
    indices = np.arange(len(walkers))
    windows_nhw = walkers.windows(indices, np.random.default_rng(0), length_range=(255, 255))
    for index in indices:
        expected_hw = mean_image(walkers.silhouettes(int(index)))
        np.testing.assert_array_equal(windows_nhw[index], expected_hw)


def test_every_window_is_the_direct_mean_of_a_stretch_of_its_walk(walkers: WalkSet) -> None:
    length = 25
    indices = np.tile(np.arange(len(walkers)), 5)
    windows_nhw = walkers.windows(indices, np.random.default_rng(1), (length, length))
    starts = set()
    for index, window_hw in zip(indices.tolist(), windows_nhw, strict=True):
        frames_thw = walkers.silhouettes(index)
        matches = [
            start
            for start in range(len(frames_thw) - length + 1)
            if np.array_equal(mean_image(frames_thw[start : start + length]), window_hw)
        ]
        assert matches, f"walk {index}: no stretch of {length} frames has this mean"
        starts.add(matches[0])
    assert len(starts) > 5  # drawn anew each time


def test_windows_are_drawn_by_the_generator_alone(walkers: WalkSet) -> None:
    first, second, other = (
        walkers.windows([0, 1, 2], np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("length_range", [(0, 20), (30, 25), (25, 256)])
def test_an_impossible_window_is_refused(walkers: WalkSet, length_range: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="length_range"):
        walkers.windows([0], np.random.default_rng(0), length_range)


def test_the_stored_gei_is_the_one_the_service_would_make(tmp_path: Path) -> None:
    """Rebuilds one walk by hand, through capture's clean-up and the GEI code."""
    config = WalkerSetConfig(
        first_identity=11,
        identities=1,
        walks_per_identity=1,
        frames=60,
        fault_share=0.0,
        halt_share=0.0,
        seed=2,
    )
    stored = build_walker_set(config, tmp_path / "set", processes=1)
    rng = np.random.default_rng((2, 11, 0))
    walk_seed = int(rng.integers(2**31))
    rng.integers(1)
    condition = CONDITIONS[rng.choice(3, p=config.condition_shares)]
    rng.uniform()  # decides on a halt
    shot = Shot.random(rng, frames=60)
    sequence = walk_silhouettes(
        Identity.from_seed(11),
        walk_seed=walk_seed,
        condition=condition,
        shot=shot,
        faults=FaultSettings.none(),
    )
    image = energy_image(as_captured(sequence), GeiConfig())
    assert np.array_equal(stored.geis_nhw[0], image.gei_hw)
    assert np.array_equal(
        stored.silhouettes(0), align(as_captured(sequence), GeiConfig()).frames_thw
    )
    assert stored.view_n[0] == pytest.approx(shot.azimuth_degrees)
    assert stored.period_frames_n[0] == pytest.approx(image.quality.period_frames)


def test_walks_are_numbered_within_person_and_condition(tmp_path: Path) -> None:
    config = replace(CONFIG, identities=1, walks_per_identity=9, frames=26)
    walks = build_walker_set(config, tmp_path / "set", processes=1)
    assert walks.order_n.tolist() == list(range(len(walks)))
    for condition in CONDITIONS:
        own_n = walks.walk_n[walks.condition_n == condition]
        assert own_n.tolist() == list(range(1, len(own_n) + 1))


def test_fixed_cameras_film_every_walk_at_once(tmp_path: Path) -> None:
    config = replace(CONFIG, identities=2, walks_per_identity=3, frames=26, views="cameras")
    filmed = build_walker_set(config, tmp_path / "set", processes=1)
    for person in np.unique(filmed.label_n):
        views = filmed.view_n[filmed.label_n == person]
        np.testing.assert_array_equal(views, np.tile(CAMERAS_DEGREES, 3))
    same_walk = filmed.condition_n[filmed.label_n == 0].reshape(3, -1)
    assert (same_walk == same_walk[:, :1]).all()
    same_number = filmed.walk_n[filmed.label_n == 0].reshape(3, -1)
    assert (same_number == same_number[:, :1]).all()


def test_specks_beside_the_walker_are_gone_as_after_capture() -> None:
    masks_thw = np.zeros((1, 60, 40), dtype=np.uint8)
    masks_thw[0, 10:50, 15:25] = 1
    clean = SilhouetteSequence.from_stack(masks_thw)
    masks_thw[0, 2, 2] = 1
    walker = as_captured(SilhouetteSequence.from_stack(masks_thw)).silhouettes[0]
    expected = clean.silhouettes[0]
    assert walker is not None
    assert expected is not None
    assert (walker.top, walker.left) == (expected.top, expected.left)
    assert np.array_equal(walker.mask_hw, expected.mask_hw)


def test_a_walk_too_short_for_a_gei_is_counted_and_left_out(tmp_path: Path) -> None:
    config = WalkerSetConfig(first_identity=900, identities=1, walks_per_identity=2, frames=6)
    walkers = build_walker_set(config, tmp_path / "set", processes=1)
    assert len(walkers) == 0
    assert [(one.code, one.subject) for one in walkers.refused] == [("refused-walker", "900")] * 2


def test_building_shows_how_far_it_is(tmp_path: Path) -> None:
    screen = io.StringIO()
    build_walker_set(
        replace(CONFIG, identities=1),
        tmp_path / "set",
        processes=1,
        console=Console(file=screen, force_terminal=True, width=100),
    )
    assert "1/1" in screen.getvalue()
