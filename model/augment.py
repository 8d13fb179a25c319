"""What is done to a training GEI so that the network meets what real masks do to it.

Shape letters: N walks, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Chances and strengths.

    Attributes:
        flip: chance of the mirror image: the same person walking the other way.
        warp: chance of a small rotation, scaling and shift.
        rotation_degrees: largest rotation.
        scale: largest change of height and of width, relative.
        shift: largest shift as a share of the height.
        fade: chance that a garment-like band keeps only part of its mass, as where clothes have the
            background's colour.
        erase: chance of one empty rectangle.
        gamma: chance of softer or harder edges.
    """

    flip: float = 0.5
    warp: float = 0.6
    rotation_degrees: float = 6.0
    scale: float = 0.07
    shift: float = 0.03
    fade: float = 0.25
    erase: float = 0.25
    gamma: float = 0.3

    @classmethod
    def none(cls) -> AugmentConfig:
        """Leaves every GEI as it is."""
        return cls(flip=0.0, warp=0.0, fade=0.0, erase=0.0, gamma=0.0)


def augmented(
    geis_nhw: NDArray[np.uint8], rng: np.random.Generator, config: AugmentConfig
) -> NDArray[np.float32]:
    """Changes every GEI by chance: uint8 (N, H, W) → float32 (N, H, W) in [0, 1]."""
    images_nhw = geis_nhw.astype(np.float32) / np.float32(255.0)
    for image_hw in images_nhw:
        if rng.random() < config.flip:
            image_hw[:] = image_hw[:, ::-1].copy()
        if rng.random() < config.warp:
            image_hw[:] = _warped(image_hw, rng, config)
        if rng.random() < config.fade:
            _fade(image_hw, rng)
        if rng.random() < config.erase:
            _erase(image_hw, rng)
        if rng.random() < config.gamma:
            np.power(image_hw, np.float32(rng.uniform(0.7, 1.4)), out=image_hw)
    return images_nhw


def _warped(
    image_hw: NDArray[np.float32], rng: np.random.Generator, config: AugmentConfig
) -> NDArray[np.float32]:
    height, width = image_hw.shape
    matrix = cv2.getRotationMatrix2D(
        (width / 2.0, height / 2.0),
        rng.uniform(-config.rotation_degrees, config.rotation_degrees),
        1.0,
    )
    stretch = np.diag(1.0 + rng.uniform(-config.scale, config.scale, 2))
    centre = np.array([width / 2.0, height / 2.0])
    linear = stretch @ matrix[:, :2]
    offset = centre - linear @ centre
    offset += rng.uniform(-config.shift, config.shift, 2) * height
    affine = np.column_stack((linear, offset))
    warped: NDArray[np.float32] = cv2.warpAffine(
        image_hw, affine, (width, height), flags=cv2.INTER_LINEAR
    ).astype(np.float32)
    return warped


def _fade(image_hw: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Takes part of the mass out of one band of rows, in blotches."""
    height, width = image_hw.shape
    rows = int(rng.integers(height // 8, height // 2))
    top = int(rng.integers(0, height - rows + 1))
    coarse = rng.uniform(0.0, 1.0, (4, 4)).astype(np.float32)
    blotches_hw = cv2.resize(coarse, (width, rows), interpolation=cv2.INTER_CUBIC)
    strength = np.float32(rng.uniform(0.1, 0.7))
    image_hw[top : top + rows] *= np.clip(1.0 - strength * 1.5 * blotches_hw, 0.0, 1.0)


def _erase(image_hw: NDArray[np.float32], rng: np.random.Generator) -> None:
    height, width = image_hw.shape
    rows = int(rng.integers(height // 16, height // 4))
    columns = int(rng.integers(width // 6, width // 2))
    top = int(rng.integers(0, height - rows + 1))
    left = int(rng.integers(0, width - columns + 1))
    image_hw[top : top + rows, left : left + columns] = 0.0
