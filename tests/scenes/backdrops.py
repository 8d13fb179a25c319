"""What lies behind the walkers: drawn once per scene; foliage moves from frame to frame.

Shape letters: H rows, W columns, C blue-green-red.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.scene import BackdropKind
from tests.scenes.texture import Image, rough

HORIZON = 0.62
"""Of the picture's height: where the wall meets the ground."""
_GUST_SECONDS = 1.7
_SWAY = 0.006
"""Of the picture's height: how far leaves move."""

_Painter = Callable[[np.random.Generator, int, int], Image]


class Backdrop:
    """The scene without people."""

    def __init__(self, kind: BackdropKind, height: int, width: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 0xBD])
        self.still_hwc = np.clip(_PAINTERS[kind](rng, height, width), 4.0, 250.0)
        self._leaves: _Leaves | None = None
        if kind == "foliage":
            self._leaves = _Leaves(rng, height, width)

    def at(self, seconds: float) -> Image:
        """The scene at a time, float32 (H, W, C); the caller may paint on it."""
        if self._leaves is None:
            return self.still_hwc.copy()
        return self._leaves.moved(self.still_hwc, seconds)


class _Leaves:
    """A hedge in the upper part of the picture, stirred by the wind."""

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self._y_hw, self._x_hw = np.mgrid[0:height, 0:width].astype(np.float32)
        self._phase_hw = np.asarray(
            1.5 * rough(rng, height, width, grain=height / 6, octaves=2), np.float32
        )
        rows_h = np.arange(height) / height
        calm_h = np.clip((HORIZON - 0.02 - rows_h) / 0.06, 0.0, 1.0)
        self._reach_hw = np.asarray(
            _SWAY * height * calm_h[:, None] * np.ones(width), dtype=np.float32
        )

    def moved(self, still_hwc: Image, seconds: float) -> Image:
        turn = 2.0 * np.pi * seconds / _GUST_SECONDS
        gust = 0.6 + 0.4 * np.sin(0.37 * turn)
        x_hw = self._x_hw + gust * self._reach_hw * np.sin(turn + 3.0 * self._phase_hw)
        y_hw = self._y_hw + 0.6 * gust * self._reach_hw * np.sin(1.7 * turn + 5.0 * self._phase_hw)
        return np.asarray(
            cv2.remap(
                still_hwc,
                x_hw.astype(np.float32),
                y_hw.astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            ),
            dtype=np.float32,
        )


def _tinted(
    value_hw: NDArray[np.floating], colour: tuple[float, float, float], spread: float
) -> Image:
    """One colour whose brightness varies by `spread` grey levels per unit of the field."""
    tint_c = np.array(colour, np.float32)
    gain_hw = 1.0 + spread * value_hw / tint_c.mean()
    return np.asarray(gain_hw[..., None] * tint_c, dtype=np.float32)


def _bricks(rng: np.random.Generator, height: int, width: int) -> Image:
    scene_hwc = _pavement(rng, height, width)
    horizon = int(HORIZON * height)
    high, wide = max(3, height // 36), max(7, height // 14)
    wall_hwc = _tinted(rough(rng, horizon, width, grain=height / 30), (88.0, 104.0, 142.0), 8.0)
    joint = max(1, height // 240)
    for course, top in enumerate(range(0, horizon, high)):
        start = -(wide // 2) * (course % 2)
        for left in range(start, width, wide):
            brick = (slice(top, top + high), slice(max(0, left), max(0, left + wide)))
            wall_hwc[brick] *= np.float32(rng.normal(1.0, 0.10))
            wall_hwc[top : top + high, max(0, left) : max(0, left + joint)] = (150, 158, 162)
        wall_hwc[top : top + joint] = (150, 158, 162)
    scene_hwc[:horizon] = wall_hwc
    return scene_hwc


def _pavement(rng: np.random.Generator, height: int, width: int) -> Image:
    """Concrete slabs in perspective under a rendered wall."""
    scene_hwc = _tinted(rough(rng, height, width, grain=height / 12), (138.0, 140.0, 142.0), 9.0)
    grit_hw = rough(rng, height, width, grain=2.0, octaves=1)
    scene_hwc += 5.0 * grit_hw[..., None]
    horizon = int(HORIZON * height)
    wall_hw = rough(rng, horizon, width, grain=height / 4, octaves=5)
    scene_hwc[:horizon] = _tinted(wall_hw, (150.0, 168.0, 176.0), 7.0)
    thick = max(1, height // 300)
    for depth in np.geomspace(1.0, 6.0, 7):
        row = horizon + int((height - horizon) / depth)
        cv2.line(scene_hwc, (0, row), (width, row), (96.0, 98.0, 100.0), thick)
    for step in np.linspace(-2.0, 3.0, 16):
        near = (int(step * width), height)
        far = (int((0.5 + 0.35 * (step - 0.5)) * width), horizon)
        cv2.line(scene_hwc, far, near, (96.0, 98.0, 100.0), thick)
    return scene_hwc


def _grass(rng: np.random.Generator, height: int, width: int) -> Image:
    scene_hwc = _tinted(rough(rng, height, width, grain=height / 5), (74.0, 122.0, 104.0), 9.0)
    blades_hw = rough(rng, height, width, grain=3.0, octaves=2, stretch=2.5)
    scene_hwc += 9.0 * blades_hw[..., None]
    sky = int(0.22 * height)
    trees_hw = rough(rng, sky, width, grain=height / 10, octaves=5)
    scene_hwc[:sky] = _tinted(trees_hw, (120.0, 128.0, 116.0), 22.0)
    return scene_hwc


def _foliage(rng: np.random.Generator, height: int, width: int) -> Image:
    scene_hwc = _pavement(rng, height, width)
    horizon = int(HORIZON * height)
    leaves_hw = rough(rng, horizon, width, grain=height / 14, octaves=4)
    scene_hwc[:horizon] = _tinted(leaves_hw, (58.0, 104.0, 82.0), 20.0)
    return scene_hwc


def _corridor(rng: np.random.Generator, height: int, width: int) -> Image:
    """A smooth wall with doors and a skirting board over a shining floor."""
    scene_hwc = _plaster(rng, height, width)
    horizon = int(HORIZON * height)
    for place in np.linspace(0.06, 0.82, 4):
        left, right = int(place * width), int((place + 0.11) * width)
        top = int(0.14 * height)
        shade = float(rng.uniform(0.55, 0.85))
        scene_hwc[top:horizon, left:right] *= shade
        cv2.rectangle(
            scene_hwc, (left, top), (right, horizon), (60.0, 66.0, 70.0), max(1, height // 150)
        )
    scene_hwc[horizon : horizon + max(2, height // 60)] = (70, 76, 82)
    floor = height - horizon
    mirror_hwc = cv2.blur(scene_hwc[:horizon][::-1], (max(1, height // 40), max(1, height // 12)))
    floor_hwc = _tinted(rough(rng, floor, width, grain=height / 8), (112.0, 118.0, 124.0), 4.0)
    scene_hwc[horizon:] = 0.7 * floor_hwc + 0.3 * mirror_hwc[:floor]
    return scene_hwc


def _plaster(rng: np.random.Generator, height: int, width: int) -> Image:
    scene_hwc = _tinted(
        rough(rng, height, width, grain=height / 2, octaves=6), (172.0, 184.0, 188.0), 7.0
    )
    horizon = int(HORIZON * height)
    floor_hw = rough(rng, height - horizon, width, grain=height / 20, octaves=3)
    scene_hwc[horizon:] = _tinted(floor_hw, (96.0, 112.0, 128.0), 7.0)
    return scene_hwc


_PAINTERS: dict[BackdropKind, _Painter] = {
    "bricks": _bricks,
    "grass": _grass,
    "pavement": _pavement,
    "corridor": _corridor,
    "foliage": _foliage,
    "plaster": _plaster,
}
