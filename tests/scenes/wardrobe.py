"""Skin, hair and clothes: garments → colours that move with the body.

Shape letters: H rows, W columns, C blue-green-red, S moments within an exposure.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.walkers.figure import Garment
from tests.scenes.backdrops import HORIZON
from tests.scenes.casting import Exposure
from tests.scenes.scene import Scene
from tests.scenes.texture import Image, rough

_SKINS = ((140.0, 168.0, 214.0), (96.0, 128.0, 176.0), (52.0, 74.0, 112.0))
_HAIRS = ((28.0, 30.0, 34.0), (40.0, 62.0, 92.0), (96.0, 140.0, 168.0))
_TOPS = ((40.0, 36.0, 150.0), (130.0, 60.0, 30.0), (225.0, 226.0, 224.0), (38.0, 36.0, 38.0))
_LEGS = ((66.0, 44.0, 36.0), (34.0, 34.0, 36.0), (92.0, 66.0, 48.0))
_FOLDS = 0.09
"""Of the cloth's brightness, standard deviation."""
_ROUNDNESS = 0.22
"""Share of the light that a surface loses where it turns away at the outline."""
_SIDE_LIGHT = 0.10
_NEAR_BACKGROUND = 28.0
"""Between the mean colour of what is behind and clothes that are like it, in any direction."""
_HAIR_SHARE = 0.42
"""Of the head's height, from the crown."""


@dataclass(frozen=True)
class Clothes:
    """What one person wears.

    Attributes:
        colours_gc: blue-green-red of each `Garment`.
        hair_c: of the hair.
        folds_hw: factor by which cloth is brighter, over a box around the body.
    """

    colours_gc: Image
    hair_c: Image
    folds_hw: Image


def dress(person: int, scene: Scene, backdrop_hwc: Image) -> Clothes:
    """Picks one person's clothes for a scene."""
    chance = 0 if scene.clothes == "uniform" else person
    rng = np.random.default_rng([scene.seed, chance, 0xC1])
    colours_gc = np.zeros((max(Garment) + 1, 3), np.float32)
    skin = _SKINS[int(rng.integers(len(_SKINS)))]
    colours_gc[[Garment.HEAD, Garment.HANDS]] = skin
    if scene.clothes == "like background":
        horizon = int(HORIZON * scene.height)
        wall_c = backdrop_hwc[horizon // 3 : horizon].reshape(-1, 3).mean(axis=0)
        ground_c = backdrop_hwc[horizon:].reshape(-1, 3).mean(axis=0)
        behind_c = 0.5 * (wall_c + ground_c)
        colours_gc[Garment.TOP] = wall_c + _NEAR_BACKGROUND * _direction(rng)
        colours_gc[Garment.LEGWEAR] = behind_c + _NEAR_BACKGROUND * _direction(rng)
    else:
        background = float(backdrop_hwc.mean())
        tops = [top for top in _TOPS if abs(sum(top) / 3.0 - background) > 40.0]
        colours_gc[Garment.TOP] = tops[int(rng.integers(len(tops)))]
        colours_gc[Garment.LEGWEAR] = _LEGS[int(rng.integers(len(_LEGS)))]
    colours_gc[Garment.SHOES] = (30.0, 30.0, 34.0)
    colours_gc[Garment.BAG] = (50.0, 70.0, 90.0)
    side = 2 * int(scene.height)
    return Clothes(
        colours_gc=colours_gc,
        hair_c=np.array(_HAIRS[int(rng.integers(len(_HAIRS)))], np.float32),
        folds_hw=1.0 + _FOLDS * rough(rng, side, side, grain=scene.height / 16, stretch=1.8),
    )


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    """Any, of length 1."""
    drawn_3 = rng.normal(size=3)
    return np.asarray(drawn_3 / np.linalg.norm(drawn_3), dtype=np.float64)


def painted(exposure: Exposure, clothes: Clothes) -> tuple[Image, Image]:
    """The person's colours (H, W, C), and the share of each pixel that they cover, (H, W)."""
    cover_hw = np.zeros(exposure.garments_shw.shape[1:], np.float32)
    sum_hwc = np.zeros((*cover_hw.shape, 3), np.float32)
    for garments_hw in exposure.garments_shw:
        worn_hw = garments_hw > 0
        if not worn_hw.any():
            continue
        left, top, wide, high = cv2.boundingRect(garments_hw)
        box = (slice(top, top + high), slice(left, left + wide))
        colours_hwc = _colours(garments_hw[box], clothes)
        colours_hwc *= _light(garments_hw[box], exposure, left)[..., None]
        colours_hwc *= _folds(exposure, clothes, box)[..., None]
        cover_hw[box] += worn_hw[box]
        sum_hwc[box] += colours_hwc * worn_hw[box][..., None]
    mean_hwc = np.asarray(sum_hwc / np.maximum(cover_hw, 1.0)[..., None], np.float32)
    return mean_hwc, np.asarray(cover_hw / len(exposure.garments_shw), np.float32)


def _colours(garments_hw: NDArray[np.uint8], clothes: Clothes) -> Image:
    colours_hwc = clothes.colours_gc[garments_hw]
    head_hw = garments_hw == Garment.HEAD
    rows = np.flatnonzero(head_hw.any(axis=1))
    if rows.size:
        below = int(rows[0] + _HAIR_SHARE * rows.size)
        hair_hw = head_hw.copy()
        hair_hw[below:] = False
        colours_hwc[hair_hw] = clothes.hair_c
    return np.asarray(colours_hwc, dtype=np.float32)


def _light(garments_hw: NDArray[np.uint8], exposure: Exposure, left: int) -> Image:
    padded_hw = cv2.copyMakeBorder(
        (garments_hw > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT
    )
    inward_hw = cv2.distanceTransform(padded_hw, cv2.DIST_L2, 3)[1:-1, 1:-1]
    turned_hw = np.clip(1.0 - inward_hw / (0.04 * exposure.tall), 0.0, 1.0)
    columns_w = np.arange(left, left + garments_hw.shape[1]) - exposure.middle
    aside_w = np.clip(columns_w / (0.12 * exposure.tall), -1.0, 1.0)
    return np.asarray((1.0 - _ROUNDNESS * turned_hw) * (1.0 + _SIDE_LIGHT * aside_w), np.float32)


def _folds(exposure: Exposure, clothes: Clothes, box: tuple[slice, slice]) -> Image:
    """The part of the cloth's pattern under a box: it hangs on the body and moves with it."""
    rows, columns = box
    side = len(clothes.folds_hw)
    y_h = np.arange(rows.start, rows.stop) - round(exposure.ground) + side - side // 8
    x_w = np.arange(columns.start, columns.stop) - round(exposure.middle) + side // 2
    return clothes.folds_hw[np.ix_(np.clip(y_h, 0, side - 1), np.clip(x_w, 0, side - 1))]
