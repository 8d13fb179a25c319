"""Reading motion files, and getting out of them the gait that was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.walkers.basis import BONE_INDEX, BONES, directions, gait_basis
from model.walkers.bvh import Motion, read_bvh
from model.walkers.fit_mocap import cycles_of, fit

_BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Leg
  {
    OFFSET 1 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 -2 0
    }
  }
}
MOTION
Frames: 3
Frame Time: .01
9 9 9 9 9 9 9 9 9
0 5 0 0 0 0 0 0 0
0 5 3 0 90 0 0 0 90
"""


def _motion_of(features_f: np.ndarray, *, cycles: float, turn_degrees: float) -> Motion:
    """A recording of a gait at 120 frames per second, walking in any direction."""
    period = float(np.exp(features_f[-1]))
    seconds_t = np.arange(int(cycles * period * 120)) / 120.0
    bones = directions(features_f, seconds_t / period)
    ahead = np.zeros((len(seconds_t), 3))
    ahead[:, 0] = 1.2 * seconds_t
    places = {"HipMiddle": ahead, "Hips": ahead}
    places["LeftUpLeg"] = ahead + 0.1 * bones[:, BONE_INDEX["pelvis"]]
    places["RightUpLeg"] = ahead - 0.1 * bones[:, BONE_INDEX["pelvis"]]
    places["RightArm"] = ahead + np.array([0.0, -0.2, 0.5])
    places["LeftArm"] = places["RightArm"] + 0.4 * bones[:, BONE_INDEX["shoulders"]]
    for name, (base, to) in BONES.items():
        places.setdefault(to, places[base] + 0.4 * bones[:, BONE_INDEX[name]])
    angle = np.radians(turn_degrees)
    turn_33 = np.array(
        [[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]]
    )
    return Motion(
        names=tuple(places),
        positions_tj3=np.stack(list(places.values()), axis=1) @ turn_33.T,
        frames_per_second=120.0,
    )


def test_a_bvh_file_is_placed_by_its_rotations(tmp_path: Path) -> None:
    path = tmp_path / "one.bvh"
    path.write_text(_BVH, encoding="ascii")
    motion = read_bvh(path)
    assert motion.frames_per_second == pytest.approx(100.0)
    assert motion.positions_tj3.shape == (2, 3, 3)  # the first frame is a T-pose, dropped
    # forwards is the file's z, left its x, up its y
    np.testing.assert_allclose(motion.joint("Leg")[0], [0.0, 1.0, 5.0], atol=1e-12)
    np.testing.assert_allclose(motion.joint("LegEnd")[0], [0.0, 1.0, 3.0], atol=1e-12)
    # y by 90 degrees takes x to -z; then the leg bends by 90 degrees about its own x
    np.testing.assert_allclose(motion.joint("Leg")[1], [2.0, 0.0, 5.0], atol=1e-12)
    np.testing.assert_allclose(motion.joint("LegEnd")[1], [2.0, -2.0, 5.0], atol=1e-12)


def test_a_file_without_motion_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.bvh"
    path.write_text("HIERARCHY", encoding="ascii")
    with pytest.raises(ValueError, match="no MOTION"):
        read_bvh(path)


def test_numbers_that_do_not_fit_the_hierarchy_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "three.bvh"
    path.write_text(_BVH.replace("CHANNELS 3 Zrotation Yrotation Xrotation", ""), encoding="ascii")
    with pytest.raises(ValueError, match="do not fit"):
        read_bvh(path)


@pytest.mark.parametrize("turn_degrees", [0.0, 130.0, 260.0])
def test_the_gait_that_was_recorded_is_found_again(turn_degrees: float) -> None:
    basis = gait_basis()
    features_f = basis.mean_f + basis.between_kf[1]
    found = cycles_of(_motion_of(features_f, cycles=3.5, turn_degrees=turn_degrees))
    assert len(found) >= 2
    for cycle_f in found:
        assert cycle_f[-1] == pytest.approx(features_f[-1], abs=0.02)
        # The cycle starts at the widest step, wherever the recording's own phase began.
        phases_t = np.arange(64) / 64.0
        apart_t = np.argmax(
            [
                float(np.sum(directions(cycle_f, phases_t) * directions(features_f, phases_t + s)))
                for s in phases_t
            ]
        )
        np.testing.assert_allclose(
            directions(cycle_f, phases_t),
            directions(features_f, phases_t + apart_t / 64.0),
            atol=0.08,
        )


def test_the_fit_separates_people_from_their_cycles() -> None:
    basis = gait_basis()
    people = {
        name: [
            basis.mean_f + far * basis.between_kf[0] + near * basis.within_kf[0] for near in nears
        ]
        for name, far, nears in (("a", 2.0, (-1.0, 1.0)), ("b", -2.0, (-1.0, 0.0, 1.0)))
    }
    fitted = fit(people)
    across = np.linalg.norm(fitted.between_kf[0]) / np.linalg.norm(basis.between_kf[0])
    assert 1.0 < across < 4.0
    along = abs(fitted.between_kf[0] @ basis.between_kf[0]) / (
        np.linalg.norm(fitted.between_kf[0]) * np.linalg.norm(basis.between_kf[0])
    )
    assert along > 0.6
    assert np.linalg.norm(fitted.within_kf[0]) < np.linalg.norm(fitted.between_kf[0])
