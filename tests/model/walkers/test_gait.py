"""The walk itself: cadence, steps, ground, and the basis it is made from."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.walkers import Identity
from model.walkers.basis import BONE_INDEX, directions, gait_basis
from model.walkers.fit_mocap import mirrored
from model.walkers.gait import Load, draw_gait
from model.walkers.skeleton import Skeleton, skeleton_of


def _walk(seed: int, frames: int = 100) -> tuple[Skeleton, float]:
    gait = draw_gait(
        Identity.from_seed(seed),
        np.random.default_rng(seed),
        frames=frames,
        frames_per_second=25.0,
        load=Load(),
    )
    return skeleton_of(gait), gait.period_seconds


def _dominant_seconds(signal_t: NDArray[np.float64]) -> float:
    spectrum = np.abs(np.fft.rfft(signal_t - signal_t.mean(), 4096))
    return float(1.0 / np.fft.rfftfreq(4096, 1 / 25.0)[int(spectrum.argmax())])


@pytest.mark.parametrize("seed", range(8))
def test_feet_alternate_once_per_stated_period(seed: int) -> None:
    skeleton, period_seconds = _walk(seed)
    left, right = skeleton.legs
    apart_t = left.ankle[:, 0] - right.ankle[:, 0]
    assert _dominant_seconds(apart_t) == pytest.approx(period_seconds, rel=0.06)
    # Both feet take the lead, by about as much.
    assert apart_t.max() > 0.2
    assert apart_t.min() < -0.2


def test_a_cycle_returns_to_its_start() -> None:
    features_f = gait_basis().mean_f
    phases_t = np.array([0.0, 0.3, 0.7])
    np.testing.assert_allclose(
        directions(features_f, phases_t), directions(features_f, phases_t + 1.0), atol=1e-9
    )


@pytest.mark.parametrize("seed", range(8))
def test_one_foot_is_always_on_the_ground_and_none_below(seed: int) -> None:
    skeleton, _ = _walk(seed)
    lowest_t = np.min(
        [part[:, 2] for leg in skeleton.legs for part in (leg.heel, leg.ball, leg.tip)], axis=0
    )
    np.testing.assert_allclose(lowest_t, 0.0, atol=1e-9)


def test_knees_bend_backwards_and_elbows_forwards() -> None:
    for seed in range(20):
        skeleton, _ = _walk(seed, frames=30)
        for leg in skeleton.legs:
            thigh, shank = leg.knee - leg.hip, leg.ankle - leg.knee
            hip_t = np.arctan2(thigh[:, 0], -thigh[:, 2])
            assert np.all(hip_t - np.arctan2(shank[:, 0], -shank[:, 2]) > 0.0)
        for arm in skeleton.arms:
            upper, fore = arm.elbow - arm.shoulder, arm.wrist - arm.elbow
            swing_t = np.arctan2(fore[:, 0], -fore[:, 2])
            assert np.all(swing_t - np.arctan2(upper[:, 0], -upper[:, 2]) > 0.0)


def test_people_walk_at_walking_speed() -> None:
    speeds = np.array([_walk(seed, frames=10)[0].speed_metres for seed in range(80)])
    assert 1.0 < np.median(speeds) < 1.5  # m/s, free walking
    assert speeds.min() > 0.4
    assert speeds.max() < 2.6


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_with_a_halt_stands_still_for_a_while_and_walks_the_rest(seed: int) -> None:
    gait = draw_gait(
        Identity.from_seed(seed),
        np.random.default_rng(seed),
        frames=80,
        frames_per_second=25.0,
        load=Load(),
        halts=True,
    )
    skeleton = skeleton_of(gait)
    steps_t = np.diff(skeleton.pelvis[:, 0])
    usual = skeleton.speed_metres / 25.0
    assert 0.08 * 80 <= (np.abs(steps_t) < 0.05 * usual).sum() <= 0.4 * 80
    assert (steps_t > 0.8 * usual).sum() >= 0.35 * 80
    still_t = np.flatnonzero(gait.pace_t == 0.0)
    knees_t3 = skeleton.legs[0].knee[still_t] - skeleton.pelvis[still_t]
    np.testing.assert_allclose(knees_t3, knees_t3[:1].repeat(len(knees_t3), 0), atol=0.02)


def test_nobody_walks_twice_in_exactly_the_same_posture() -> None:
    identity = Identity.from_seed(3)
    one, other = (
        draw_gait(
            identity,
            np.random.default_rng(walk),
            frames=30,
            frames_per_second=25.0,
            load=Load(),
        ).style
        for walk in (0, 1)
    )
    assert one != other
    assert abs(one.trunk_lean_degrees - other.trunk_lean_degrees) < 8.0


def test_a_mirror_swaps_the_sides_half_a_cycle_later() -> None:
    features_f = gait_basis().mean_f + 2.0 * gait_basis().between_kf[3]
    phases_t = np.linspace(0.0, 1.0, 9)
    plain = directions(features_f, phases_t)
    mirror = directions(mirrored(features_f), phases_t + 0.5)
    for left, right in (("left_thigh", "right_thigh"), ("left_forearm", "right_forearm")):
        np.testing.assert_allclose(
            mirror[:, BONE_INDEX[left]], plain[:, BONE_INDEX[right]] * [1.0, -1.0, 1.0], atol=1e-9
        )
    np.testing.assert_allclose(
        mirror[:, BONE_INDEX["pelvis"]],
        plain[:, BONE_INDEX["pelvis"]] * [-1.0, 1.0, -1.0],
        atol=1e-9,
    )


def test_the_mean_gait_prefers_no_side() -> None:
    mean_f = gait_basis().mean_f
    np.testing.assert_allclose(mirrored(mean_f), mean_f, atol=1e-6)
