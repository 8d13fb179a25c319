"""A scene → its frames, and the truth about everybody in it.

Shape letters: T frames, H rows, W columns, C blue-green-red.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.backdrops import Backdrop
from tests.scenes.casting import Passage
from tests.scenes.lighting import brightness, darken, reflect
from tests.scenes.scene import Scene
from tests.scenes.texture import Image
from tests.scenes.wardrobe import Clothes, dress, painted

_MIDDLE_GREY = 128.0
_READ_NOISE = 0.35
"""Share of the noise at middle grey that the dark has too; the rest grows with the light."""
_LENS_BLUR = 1 / 700
"""Of the picture's height; at least `_LENS_BLUR_PIXELS`."""
_LENS_BLUR_PIXELS = 0.55
_NOISE_MARGIN = 61
"""Rows and columns by which a field of noise is larger than the picture, to be shifted."""


@dataclass(frozen=True)
class Sight:
    """One person in one frame, as the camera truly saw them.

    Attributes:
        person: number in the scene.
        crossing: number of the crossing in the scene.
        mask_hw: uint8, 1 where the person is seen; where somebody else hides them it is 0.
    """

    person: int
    crossing: int
    mask_hw: NDArray[np.uint8]


@dataclass(frozen=True)
class FilmedFrame:
    """One frame and the truth about it.

    Attributes:
        picture_hwc: uint8 (H, W, 3).
        sights: everybody in the picture, the farthest first.
    """

    picture_hwc: NDArray[np.uint8]
    sights: tuple[Sight, ...]


def film(scene: Scene) -> Iterator[FilmedFrame]:
    """Yields the frames one by one; the same scene gives the same frames."""
    rng = np.random.default_rng([scene.seed, 0xF1])
    backdrop = Backdrop(scene.backdrop, scene.height, scene.width, scene.seed)
    passages = [Passage(crossing, scene, n) for n, crossing in enumerate(scene.crossings)]
    people = {crossing.person for crossing in scene.crossings}
    clothes = {person: dress(person, scene, backdrop.still_hwc) for person in people}
    camera = _Camera(scene, rng)
    for frame in range(scene.frames):
        seconds = frame / scene.frames_per_second
        scene_hwc = backdrop.at(seconds)
        sights = _place_people(scene_hwc, scene, passages, clothes, frame)
        scene_hwc *= brightness(scene, seconds, scene.width)[None, :, None]
        yield FilmedFrame(camera.exposed(scene_hwc), sights)


def _place_people(
    scene_hwc: Image,
    scene: Scene,
    passages: list[Passage],
    clothes: dict[int, Clothes],
    frame: int,
) -> tuple[Sight, ...]:
    present = [
        (number, exposure)
        for number, passage in enumerate(passages)
        if (exposure := passage.exposure(frame)) is not None
    ]
    present.sort(key=lambda one: scene.crossings[one[0]].ground)
    coats = []
    for number, exposure in present:
        colours_hwc, cover_hw = painted(exposure, clothes[scene.crossings[number].person])
        coats.append((number, colours_hwc, cover_hw))
        darken(scene_hwc, exposure, scene.light)
        if scene.light.reflection > 0.0:
            reflect(scene_hwc, exposure, scene.light.reflection * cover_hw, colours_hwc)
    sights: list[Sight] = []
    for number, colours_hwc, cover_hw in coats:
        scene_hwc += cover_hw[..., None] * (colours_hwc - scene_hwc)
        mask_hw = (cover_hw >= 0.5).astype(np.uint8)
        for hidden in sights:
            hidden.mask_hw[mask_hw > 0] = 0
        sights.append(Sight(scene.crossings[number].person, number, mask_hw))
    return tuple(sights)


class _Camera:
    """Lens and sensor."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self._rng = rng
        self._scene = scene
        self._blur = max(_LENS_BLUR_PIXELS, _LENS_BLUR * scene.height)
        size = (scene.height + _NOISE_MARGIN, scene.width + _NOISE_MARGIN)
        luma_hw1 = rng.normal(size=(*size, 1))
        self._noise_hwc = np.asarray(
            scene.noise * (0.85 * luma_hw1 + 0.5 * rng.normal(size=(*size, 3))), np.float32
        )

    def exposed(self, scene_hwc: Image) -> NDArray[np.uint8]:
        seen_hwc = cv2.GaussianBlur(scene_hwc, (0, 0), self._blur)
        height, width = seen_hwc.shape[:2]
        top, left = self._rng.integers(0, _NOISE_MARGIN, 2)
        noise_hwc = self._noise_hwc[top : top + height, left : left + width]
        strength_hwc = np.sqrt(
            _READ_NOISE + (1.0 - _READ_NOISE) * np.maximum(seen_hwc, 0.0) / _MIDDLE_GREY
        )
        seen_hwc = seen_hwc + float(self._rng.choice([-1.0, 1.0])) * noise_hwc * strength_hwc
        picture_hwc = np.clip(seen_hwc, 0, 255).astype(np.uint8)
        if self._scene.grey:
            grey_hw = cv2.cvtColor(picture_hwc, cv2.COLOR_BGR2GRAY)
            picture_hwc = np.asarray(cv2.cvtColor(grey_hw, cv2.COLOR_GRAY2BGR), np.uint8)
        return picture_hwc
