"""What segmentation does to silhouettes: faults that real masks have, as they have them.

Background subtraction fails where clothes look like what is behind them, so holes stand still in
the picture while the walker moves through them, keep to one garment, and flicker. Morphological
clean-up makes them blocky.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]

# Rows of a walker, from head (0) to feet (1), that garments cover: head, chest, hips, legs, all.
_GARMENTS = ((0.0, 0.14), (0.16, 0.45), (0.40, 0.62), (0.62, 0.95), (0.0, 1.0))
_GARMENT_CHANCES = (0.10, 0.25, 0.15, 0.35, 0.15)


@dataclass(frozen=True)
class FaultSettings:
    """How often and how strongly masks are spoiled.

    Attributes:
        share: of walks that have faults at all; a pilot found 0.3 good and 1.0 harmful.
        camouflage, ragged, shadow, speckles, swelling, dropouts, feet_lost, coarse: chance of each
            kind of fault within a spoiled walk.
        strength: scales the size of all of them; 1 looks like a bad but usable recording.
    """

    share: float = 0.3
    camouflage: float = 0.7
    ragged: float = 0.6
    shadow: float = 0.3
    speckles: float = 0.35
    swelling: float = 0.5
    dropouts: float = 0.2
    feet_lost: float = 0.12
    coarse: float = 0.4
    strength: float = 1.0

    @staticmethod
    def none() -> FaultSettings:
        """Clean masks."""
        return FaultSettings(share=0.0)


@dataclass(frozen=True)
class WalkFaults:
    """The faults of one walk, drawn once; `spoil` puts them on a frame.

    Attributes:
        block: side of the smallest thing the segmenter can tell, in pixels.
        hidden_hw: where the background looks like the garment, 0 … 255 by similarity.
        garment: first and last row of the garment, as shares of the walker's height.
        hidden_above_t: (T,) what is more similar than this is lost; 256 loses nothing.
        ragged_t: (T,) share of edge blocks that flip, 0 … 255.
        noise_hw: random blocks, 0 … 255; each frame sees another window of it.
        offsets_t2: (T, 2) where that window starts.
        shadow_t: (T,) reach of the shadow as a share of its full length; 0 for none.
        light_per_metre: how far the shadow of a point one metre high falls forwards and left.
        speckles_hw: 1 where the background flickers.
        speckled_t: (T,) True where it does.
        grown: pixels that the mask is too thick (or thin, below 0).
        dropped_t: (T,) True where the frame has no mask.
        lost_below_t: (T,) share of the height below which nothing is seen.
    """

    block: int
    hidden_hw: Mask
    garment: tuple[float, float]
    hidden_above_t: NDArray[np.float64]
    ragged_t: NDArray[np.float64]
    noise_hw: Mask
    offsets_t2: NDArray[np.int64]
    shadow_t: NDArray[np.float64]
    light_per_metre: tuple[float, float]
    speckles_hw: Mask
    speckled_t: NDArray[np.bool_]
    grown: int
    dropped_t: NDArray[np.bool_]
    lost_below_t: NDArray[np.float64]

    def spoil(self, mask_hw: Mask, frame: int, *, top: int, left: int) -> Mask:
        """Spoils one frame's mask.

        Args:
            mask_hw: uint8 0 or 1, cut from the frame with a margin around the walker.
            frame: its number.
            top: row of the cut in the frame, in pixels.
            left: column of the cut in the frame, in pixels.
        """
        rows = np.flatnonzero(mask_hw.any(axis=1))
        if rows.size == 0 or self.dropped_t[frame]:
            return np.zeros_like(mask_hw)
        head, height = int(rows[0]), int(rows[-1]) + 1 - int(rows[0])
        spoiled_hw = mask_hw.copy()
        if self.hidden_above_t[frame] < 256:
            first, last = (head + int(share * height) for share in self.garment)
            seen_hw = _window(self.hidden_hw, top + first, left, (last - first, mask_hw.shape[1]))
            spoiled_hw[first:last][seen_hw > self.hidden_above_t[frame]] = 0
        offset_2 = self.offsets_t2[frame]
        noise_hw = _window(self.noise_hw, int(offset_2[0]), int(offset_2[1]), mask_hw.shape)
        if self.ragged_t[frame] > 0 or self.grown != 0:
            size = 2 * abs(self.grown) + 1
            kernel = np.ones((size, size), np.uint8)
            if self.grown > 0:
                spoiled_hw = cv2.dilate(spoiled_hw, kernel).astype(np.uint8)
            elif self.grown < 0:
                spoiled_hw = cv2.erode(spoiled_hw, kernel).astype(np.uint8)
        if self.ragged_t[frame] > 0:
            edge = np.ones((self.block + 1, self.block + 1), np.uint8)
            # Blocks along the edge go missing, others stick to it.
            inner_hw, outer_hw = cv2.erode(spoiled_hw, edge), cv2.dilate(spoiled_hw, edge)
            spoiled_hw[(inner_hw == 0) & (noise_hw < self.ragged_t[frame])] = 0
            spoiled_hw |= ((outer_hw > 0) & (noise_hw > 255.0 - 0.5 * self.ragged_t[frame])).astype(
                np.uint8
            )
        if self.block > 1:
            spoiled_hw = _cleaned(spoiled_hw, self.block)
        if self.speckled_t[frame]:
            spoiled_hw |= _window(self.speckles_hw, top, left, mask_hw.shape)
        if self.lost_below_t[frame] < 1.0:
            spoiled_hw[head + int(self.lost_below_t[frame] * height) :] = 0
        return spoiled_hw


def draw_faults(
    settings: FaultSettings, rng: np.random.Generator, *, frames: int, walker_pixels: float
) -> WalkFaults | None:
    """Draws the faults of one walk; None for a clean one."""
    if rng.uniform() >= settings.share:
        return None
    strength = settings.strength

    def happens(chance: float) -> bool:
        return bool(rng.uniform() < chance)

    coarse = happens(settings.coarse)
    block = max(2, round(walker_pixels / rng.uniform(38.0, 70.0 if coarse else 110.0)))
    hidden_above_t = np.full(frames, 256.0)
    if happens(settings.camouflage):
        lost_share = strength * rng.uniform(0.05, 0.32)
        hidden_above_t = 255.0 * (1.0 - lost_share * np.clip(1.0 + 0.8 * _drift(rng, frames), 0, 2))
    ragged_t = np.zeros(frames)
    if happens(settings.ragged):
        ragged_t = 255.0 * strength * rng.uniform(0.05, 0.30) * (1.0 + 0.5 * _drift(rng, frames))
    shadow_t = np.zeros(frames)
    direction, length = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.3, 1.6)
    if happens(settings.shadow):
        shadow_t = np.clip(0.6 + 0.7 * _drift(rng, frames), 0.0, 1.0) * min(1.0, strength)
    dropped_t = np.zeros(frames, dtype=np.bool_)
    if happens(settings.dropouts):
        dropped_t = _drift(rng, frames, seconds=0.1) > rng.uniform(1.6, 2.4)
    speckled_t = np.zeros(frames, dtype=np.bool_)
    if happens(settings.speckles):
        speckled_t = _drift(rng, frames) > rng.uniform(-1.5, 1.0)
    lost_below_t = np.ones(frames)
    if happens(settings.feet_lost):
        lost_below_t = np.clip(
            1.0 - strength * rng.uniform(0.04, 0.16) * (0.7 + 0.5 * _drift(rng, frames)), 0.7, 1.0
        )
    garment = _GARMENTS[int(rng.choice(len(_GARMENTS), p=_GARMENT_CHANCES))]
    return WalkFaults(
        block=block,
        hidden_hw=_camouflage(rng, block),
        garment=garment,
        hidden_above_t=hidden_above_t,
        ragged_t=ragged_t,
        noise_hw=_blocks(rng, block),
        offsets_t2=rng.integers(0, 256, (frames, 2)),
        shadow_t=shadow_t,
        light_per_metre=(float(length * np.cos(direction)), float(length * np.sin(direction))),
        speckles_hw=_speckles(rng, block, strength),
        speckled_t=speckled_t,
        grown=_swelling(rng, walker_pixels, strength) if happens(settings.swelling) else 0,
        dropped_t=dropped_t,
        lost_below_t=lost_below_t,
    )


def _cleaned(mask_hw: Mask, block: int) -> Mask:
    """Closes, then opens with a square; an even square must not move the walker aside."""
    square = np.ones((block, block), np.uint8)
    near, far = (block // 2, block // 2), ((block - 1) // 2, (block - 1) // 2)
    closed_hw = cv2.erode(cv2.dilate(mask_hw, square, anchor=near), square, anchor=far)
    opened_hw = cv2.dilate(cv2.erode(closed_hw, square, anchor=near), square, anchor=far)
    return opened_hw.astype(np.uint8)


def _swelling(rng: np.random.Generator, walker_pixels: float, strength: float) -> int:
    return round(strength * float(rng.uniform(-0.008, 0.014)) * walker_pixels)


def _drift(rng: np.random.Generator, frames: int, seconds: float = 0.4) -> NDArray[np.float64]:
    """(T,) noise of unit variance that changes slowly: faults last longer than a frame."""
    width = max(1, round(seconds * 25.0))
    raw_t = rng.normal(size=frames + width)
    smooth_t = np.convolve(raw_t, np.ones(width) / np.sqrt(width), mode="valid")[:frames]
    return smooth_t


def _camouflage(rng: np.random.Generator, block: int) -> Mask:
    """Similarity of background and garment: blobs a few blocks wide, and a bar or two."""
    cells = 512 // (2 * block) + 1
    coarse_hw = rng.integers(0, 256, (cells, cells), dtype=np.uint8)
    blob = int(rng.integers(2, 6))
    coarse_hw = cv2.equalizeHist(cv2.blur(coarse_hw, (2 * blob - 1, blob))).astype(np.uint8)
    for _ in range(int(rng.integers(0, 4))):  # rails, window frames, kerbs behind the walker
        row, column = rng.integers(0, cells, 2)
        coarse_hw[row : row + 1 + int(rng.integers(0, 2)), column : column + cells // 3] = 255
    grown_hw = cv2.resize(coarse_hw, (512, 512), interpolation=cv2.INTER_NEAREST)
    return grown_hw.astype(np.uint8)


def _blocks(rng: np.random.Generator, block: int) -> Mask:
    cells = 512 // block + 1
    cells_hw = rng.integers(0, 256, (cells, cells), dtype=np.uint8)
    return cv2.resize(cells_hw, (512, 512), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _speckles(rng: np.random.Generator, block: int, strength: float) -> Mask:
    cells = 512 // (2 * block) + 1
    wrong_hw = (rng.random((cells, cells)) < strength * rng.uniform(0.001, 0.008)).astype(np.uint8)
    return cv2.resize(wrong_hw, (512, 512), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _window(tile_hw: Mask, top: int, left: int, shape: tuple[int, ...]) -> Mask:
    """A view of a tile that repeats without end."""
    rows = np.arange(top, top + shape[0]) % tile_hw.shape[0]
    columns = np.arange(left, left + shape[1]) % tile_hw.shape[1]
    window_hw: Mask = tile_hw[rows[:, None], columns]
    return window_hw
