"""Derives `gait_basis.npz` from motion capture: run by hand, once.

    python -m model.walkers.fit_mocap FOLDER_WITH_BVH_FILES

Files are named `<subject>_<trial>.bvh`. Every gait cycle (one left heel strike to the next) becomes
Fourier curves of the bone directions, seen from the walking direction. Each cycle is used twice,
as it is and mirrored, so that the basis prefers no side.

The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with
funding from NSF EIA-0196217.

Shape letters: T frames, B bones, F features, K components, N cycles.
"""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, filtfilt, find_peaks

from model.walkers.basis import BONE_INDEX, BONES, COEFFICIENTS, GaitBasis, fourier
from model.walkers.bvh import Motion, read_bvh

SHORTEST_CYCLE_SECONDS = 0.8
LONGEST_CYCLE_SECONDS = 1.7
SMOOTHING_HERTZ = 5.0  # heel strikes are found on the low-passed distance between the ankles
STRAIGHT_DEGREES = 12.0  # a cycle whose two halves head further apart than this is a turn
COMPONENTS = 16

_MIRRORED_BONES = [
    BONE_INDEX[name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")]
    for name in BONES
]

log = logging.getLogger(__name__)


def cycles_of(motion: Motion) -> list[NDArray[np.float64]]:
    """(F,) features of every whole, straight gait cycle of one recording."""
    root_t3 = motion.joint("Hips")
    left_t3, right_t3 = motion.joint("LeftFoot"), motion.joint("RightFoot")
    across_t3 = motion.joint("LeftUpLeg") - motion.joint("RightUpLeg")
    facing_t2 = np.stack([across_t3[:, 1], -across_t3[:, 0]], axis=1)
    facing_t2 /= np.linalg.norm(facing_t2, axis=1, keepdims=True)
    apart_t = np.sum((left_t3 - right_t3)[:, :2] * facing_t2, axis=1)
    numerator, denominator = butter(2, SMOOTHING_HERTZ, fs=motion.frames_per_second)
    strikes = find_peaks(
        filtfilt(numerator, denominator, apart_t),
        distance=int(SHORTEST_CYCLE_SECONDS * motion.frames_per_second * 0.9),
        prominence=0.5 * float(np.ptp(apart_t)),
    )[0]
    found = []
    for start, end in pairwise(strikes.tolist()):
        seconds = (end - start) / motion.frames_per_second
        if SHORTEST_CYCLE_SECONDS <= seconds <= LONGEST_CYCLE_SECONDS and _is_straight(
            root_t3[start : end + 1]
        ):
            found.append(_features(motion, start, end, seconds))
    return found


def _is_straight(root_t3: NDArray[np.float64]) -> bool:
    middle = len(root_t3) // 2
    first = root_t3[middle] - root_t3[0]
    second = root_t3[-1] - root_t3[middle]
    turned = np.arctan2(second[1], second[0]) - np.arctan2(first[1], first[0])
    turned = (turned + np.pi) % (2.0 * np.pi) - np.pi
    return bool(abs(np.degrees(turned)) < STRAIGHT_DEGREES)


def _features(motion: Motion, start: int, end: int, seconds: float) -> NDArray[np.float64]:
    root_t3 = motion.joint("Hips")
    ahead = root_t3[end, :2] - root_t3[start, :2]
    forward_2 = ahead / np.linalg.norm(ahead)
    to_walker_33 = np.eye(3)
    to_walker_33[0, :2] = forward_2
    to_walker_33[1, :2] = -forward_2[1], forward_2[0]
    middle_t3 = (motion.joint("LeftUpLeg") + motion.joint("RightUpLeg")) / 2.0

    def joint(name: str) -> NDArray[np.float64]:
        return (middle_t3 if name == "HipMiddle" else motion.joint(name))[start:end]

    bones_tb3 = np.stack([joint(to) - joint(base) for base, to in BONES.values()], axis=1)
    bones_tb3 = bones_tb3 / np.linalg.norm(bones_tb3, axis=2, keepdims=True)
    bones_tb3 = bones_tb3 @ to_walker_33.T
    phases_t = np.arange(end - start) / (end - start)
    # The straight line takes up what did not return to its start; it is not kept.
    design_tc = np.hstack([fourier(phases_t), phases_t[:, None] - 0.5])
    coefficients = np.linalg.lstsq(design_tc, bones_tb3.reshape(len(phases_t), -1))[0]
    return np.append(coefficients[:COEFFICIENTS].ravel(), np.log(seconds))


def mirrored(features_f: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same gait in a mirror: sides swapped, and half a cycle later."""
    curves_cb3 = features_f[:-1].reshape(COEFFICIENTS, len(BONES), 3)[:, _MIRRORED_BONES].copy()
    across = [BONE_INDEX["pelvis"], BONE_INDEX["shoulders"]]
    curves_cb3[..., 1] *= -1.0
    curves_cb3[:, across] *= -1.0  # they point from right to left, which the mirror turned round
    odd = [c for c in range(1, COEFFICIENTS) if ((c + 1) // 2) % 2 == 1]
    curves_cb3[odd] *= -1.0  # cos and sin of odd harmonics change sign over half a cycle
    return np.append(curves_cb3.ravel(), features_f[-1])


def fit(cycles_by_subject: dict[str, list[NDArray[np.float64]]]) -> GaitBasis:
    """Separates how subjects differ from how one subject's cycles differ."""
    means, apart = [], []
    for cycles in cycles_by_subject.values():
        for cycles_nf in (np.array(cycles), np.array([mirrored(cycle) for cycle in cycles])):
            means.append(cycles_nf.mean(axis=0))
            # every subject weighs the same, however many cycles were captured
            apart.append((cycles_nf - means[-1]) / np.sqrt(max(len(cycles) - 1, 1)))
    means_nf = np.array(means)
    mean_f = means_nf.mean(axis=0)
    subjects = len(means)
    return GaitBasis(
        mean_f=mean_f,
        between_kf=_components((means_nf - mean_f) / np.sqrt(subjects - 1)),
        within_kf=_components(np.vstack(apart) / np.sqrt(subjects)),
    )


def _components(deviations_nf: NDArray[np.float64]) -> NDArray[np.float64]:
    _, spreads_k, axes_kf = np.linalg.svd(deviations_nf, full_matrices=False)
    scaled_kf: NDArray[np.float64] = spreads_k[:COMPONENTS, None] * axes_kf[:COMPONENTS]
    return scaled_kf


def main(folder: Path, target: Path) -> None:
    """Fits every BVH file of a folder and writes the basis."""
    cycles: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for path in sorted(folder.glob("*.bvh")):
        cycles[path.stem.split("_")[0]] += cycles_of(read_bvh(path))
    usable = {subject: found for subject, found in cycles.items() if found}
    basis = fit(usable)
    np.savez_compressed(
        target,
        mean_f=basis.mean_f.astype(np.float32),
        between_kf=basis.between_kf.astype(np.float32),
        within_kf=basis.within_kf.astype(np.float32),
    )
    for subject, found in cycles.items():
        log.info("subject %s: %d cycles", subject, len(found))
    for name, part_kf in (("between", basis.between_kf), ("within", basis.within_kf)):
        log.info("%s: spread %s", name, np.round(np.linalg.norm(part_kf, axis=1), 3))
    log.info("mean period %.2f s, %s", np.exp(basis.mean_f[-1]), target)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(Path(sys.argv[1]), Path(__file__).with_name("gait_basis.npz"))
