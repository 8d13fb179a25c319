"""The gait basis: how human limbs move over one gait cycle, and how that differs.

The numbers in `gait_basis.npz` are curves and coefficients derived from motion capture; see
`ACKNOWLEDGEMENTS.md`. The data used in this project was obtained from mocap.cs.cmu.edu. The
database was created with funding from NSF EIA-0196217.

Shape letters: T frames, B bones, C Fourier coefficients, F features, K components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HARMONICS = 5
COEFFICIENTS = 1 + 2 * HARMONICS

# Bone, and the two capture joints it points from and to. "Hips" is the middle of the hip joints.
BONES: dict[str, tuple[str, str]] = {
    "pelvis": ("RightUpLeg", "LeftUpLeg"),
    "lower_trunk": ("HipMiddle", "Spine1"),
    "upper_trunk": ("Spine1", "Neck1"),
    "head": ("Neck1", "HeadEnd"),
    "shoulders": ("RightArm", "LeftArm"),
    "left_thigh": ("LeftUpLeg", "LeftLeg"),
    "left_shank": ("LeftLeg", "LeftFoot"),
    "left_foot": ("LeftFoot", "LeftToeBase"),
    "left_toes": ("LeftToeBase", "LeftToeBaseEnd"),
    "left_upper_arm": ("LeftArm", "LeftForeArm"),
    "left_forearm": ("LeftForeArm", "LeftHand"),
    "right_thigh": ("RightUpLeg", "RightLeg"),
    "right_shank": ("RightLeg", "RightFoot"),
    "right_foot": ("RightFoot", "RightToeBase"),
    "right_toes": ("RightToeBase", "RightToeBaseEnd"),
    "right_upper_arm": ("RightArm", "RightForeArm"),
    "right_forearm": ("RightForeArm", "RightHand"),
}
BONE_INDEX = {name: index for index, name in enumerate(BONES)}
FEATURES = len(BONES) * 3 * COEFFICIENTS + 1  # the last one is log(period in seconds)


@dataclass(frozen=True)
class GaitBasis:
    """Mean gait and its principal components, each as long as one standard deviation.

    Attributes:
        mean_f: (F,) Fourier coefficients of the bone directions, then log(period).
        between_kf: (K, F) how subjects differ from each other.
        within_kf: (K, F) how the cycles of one subject differ from each other.
    """

    mean_f: NDArray[np.float64]
    between_kf: NDArray[np.float64]
    within_kf: NDArray[np.float64]

    @staticmethod
    def load(path: Path) -> GaitBasis:
        """Reads the fitted file; OSError or KeyError when it is missing or damaged."""
        with np.load(path, allow_pickle=False) as stored:
            return GaitBasis(
                mean_f=stored["mean_f"].astype(np.float64),
                between_kf=stored["between_kf"].astype(np.float64),
                within_kf=stored["within_kf"].astype(np.float64),
            )


@cache
def gait_basis() -> GaitBasis:
    """The basis that ships with the package."""
    return GaitBasis.load(Path(__file__).with_name("gait_basis.npz"))


def fourier(phases_t: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, C) values of the Fourier functions at phases given in cycles: 1, cos, sin, cos 2, …"""
    angles_th = 2.0 * np.pi * phases_t[:, None] * np.arange(1, HARMONICS + 1)
    waves_thx = np.stack([np.cos(angles_th), np.sin(angles_th)], axis=2)
    constant_t1 = np.ones((phases_t.size, 1))
    return np.hstack([constant_t1, waves_thx.reshape(phases_t.size, -1)])


def directions(
    features_f: NDArray[np.float64],
    phases_t: NDArray[np.float64],
    drift_tk: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """(T, B, 3) unit vectors of every bone at the given phases (forwards, left, up).

    Args:
        features_f: (F,) of one walk.
        phases_t: (T,) in cycles.
        drift_tk: (T, K) multiples of the first K within-person components, frame by frame.
    """
    coefficients_cb3 = features_f[:-1].reshape(COEFFICIENTS, len(BONES), 3)
    waves_tc = fourier(phases_t)
    curves_tb3 = np.tensordot(waves_tc, coefficients_cb3, axes=1)
    if drift_tk is not None:
        components = drift_tk.shape[1]
        drifting_kcb3 = (
            gait_basis()
            .within_kf[:components, :-1]
            .reshape(components, COEFFICIENTS, len(BONES), 3)
        )
        weights_tkc = drift_tk[:, :, None] * waves_tc[:, None, :]
        curves_tb3 += np.tensordot(weights_tkc, drifting_kcb3, axes=2)
    lengths_tb1 = np.linalg.norm(curves_tb3, axis=2, keepdims=True)
    unit_tb3: NDArray[np.float64] = curves_tb3 / lengths_tb1
    return unit_tb3
