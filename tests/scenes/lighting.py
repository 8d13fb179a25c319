"""Shadows, reflections, and light that does not stay as it was.

Shape letters: H rows, W columns, C blue-green-red.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.casting import Exposure
from tests.scenes.scene import Light, Scene
from tests.scenes.texture import Image

_CONTACT = 0.35
"""Share of the light that is missing under the feet on any day."""
_CONTACT_SOFTNESS = 0.02
"""In heights of the walker."""
_FLICKER_HERTZ = 3.1
"""A hundred flashes a second, as a shutter of 25 or 30 frames beats with them."""
_CLOUD_WIDTH = 0.5
"""Of the picture's width."""
_FADE = 0.35
"""In heights of the walker: how far down a reflection goes."""


def darken(scene_hwc: Image, exposure: Exposure, light: Light) -> None:
    """Puts the person's shadow into the scene."""
    _shade(scene_hwc, exposure.contact_hw, _CONTACT, _CONTACT_SOFTNESS * exposure.tall)
    if light.shadow > 0.0:
        softness = light.shadow_softness * exposure.tall
        _shade(scene_hwc, exposure.cast_hw, light.shadow, softness)


def reflect(scene_hwc: Image, exposure: Exposure, cover_hw: Image, colours_hwc: Image) -> None:
    """Paints the person upside down onto a floor; the cover is already weakened."""
    ground = min(round(exposure.ground), len(scene_hwc))
    deep = min(ground, len(scene_hwc) - ground, int(_FADE * exposure.tall))
    if deep <= 0:
        return
    fade_h1 = np.linspace(1.0, 0.0, deep, dtype=np.float32)[:, None]
    above = slice(ground - deep, ground)
    share_hw1 = (cover_hw[above][::-1] * fade_h1)[..., None]
    blur = max(0.8, 0.008 * exposure.tall)
    share_hw1 = np.reshape(cv2.GaussianBlur(share_hw1, (0, 0), blur), share_hw1.shape)
    floor = slice(ground, ground + deep)
    mirrored_hwc = colours_hwc[above][::-1]
    scene_hwc[floor] += share_hw1 * (mirrored_hwc - scene_hwc[floor])


def brightness(scene: Scene, seconds: float, columns: int) -> NDArray[np.float32]:
    """By what factor each column is lit at a time, (W,)."""
    light = scene.light
    share = seconds / scene.seconds
    gain = 1.0 + light.drift * (share - 0.5)
    gain *= 1.0 + light.flicker * float(np.sin(2.0 * np.pi * _FLICKER_HERTZ * seconds))
    since = (share - 0.5) * scene.frames / 3.0
    gain *= 1.0 + light.step * float(np.clip(since, 0.0, 1.0))
    across_w = np.linspace(0.0, 1.0, columns)
    middle = -_CLOUD_WIDTH + (1.0 + 2.0 * _CLOUD_WIDTH) * share
    cloud_w = 1.0 - light.cloud * np.exp(-(((across_w - middle) / (0.5 * _CLOUD_WIDTH)) ** 2))
    return np.asarray(gain * cloud_w, dtype=np.float32)


def _shade(scene_hwc: Image, shape_hw: NDArray[np.uint8], depth: float, softness: float) -> None:
    left, top, wide, high = cv2.boundingRect(shape_hw)
    if wide == 0:
        return
    margin = int(3.0 * softness) + 1
    box = (
        slice(max(0, top - margin), top + high + margin),
        slice(max(0, left - margin), left + wide + margin),
    )
    soft_hw = cv2.GaussianBlur(shape_hw[box].astype(np.float32), (0, 0), max(0.5, softness))
    scene_hwc[box] *= 1.0 - depth * soft_hw[..., None]
