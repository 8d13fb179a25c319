"""What segmentation does to silhouettes: faults that real masks have, as they have them.

Background subtraction fails where clothes look like what is behind them: a garment goes missing,
in patches that stay with the cloth (a print, a fold in the light) or stand still in the picture
(a dark door the walker passes), and flicker. Morphological clean-up makes them blocky.

Shape letters: T frames, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from model.walkers.figure import Garment

Mask = NDArray[np.uint8]

# What has the colour of the background, and how often.
_HIDDEN = (
    (Garment.TOP,),
    (Garment.LEGWEAR,),
    (Garment.TOP, Garment.LEGWEAR),
    (Garment.HEAD,),
    (Garment.SHOES,),
    tuple(Garment),
)
_HIDDEN_CHANCES = (0.32, 0.32, 0.12, 0.10, 0.06, 0.08)
# People wear the same clothes before the same walls: their masks fail alike from walk to walk.
_SAME_CLOTHES_CHANCE = 0.45


@dataclass(frozen=True)
class FaultSettings:
    """How often and how strongly masks are spoiled.

    Attributes:
        share: of walks that have faults at all; on every walk they are harmful.
        camouflage, ragged, frayed, shadow, speckles, swelling, dropouts, feet_lost, coarse: chance
            of each kind of fault within a spoiled walk.
        strength: scales the size of all of them; 1 looks like a bad but usable recording.
    """

    share: float = 0.5
    camouflage: float = 0.55
    ragged: float = 0.5
    frayed: float = 0.4
    shadow: float = 0.2
    speckles: float = 0.25
    swelling: float = 0.5
    dropouts: float = 0.15
    feet_lost: float = 0.1
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
        is_hidden_g: (G,) uint8, 1 for the garments that look like the background.
        place_hw: similarity of garment and background, 0 … 255, fixed in the picture.
        cloth_hw: the same, fixed to the walker.
        place_weight, cloth_weight: how much either decides; the rest is flicker.
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
        lost_above_t: (T,) share of the height above which nothing is seen.
        lost_below_t: (T,) share of the height below which nothing is seen.
    """

    block: int
    is_hidden_g: Mask
    place_hw: Mask
    cloth_hw: Mask
    place_weight: float
    cloth_weight: float
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
    lost_above_t: NDArray[np.float64]
    lost_below_t: NDArray[np.float64]

    def spoil(self, garments_hw: Mask, frame: int, *, top: int, left: int) -> Mask:
        """Makes one frame's mask, 0 or 1.

        Args:
            garments_hw: uint8, `Garment` of each pixel, 0 for the background, cut from the frame
                with a margin around the walker.
            frame: its number.
            top: row of the cut in the frame, in pixels.
            left: column of the cut in the frame, in pixels.
        """
        rows = np.flatnonzero(garments_hw.any(axis=1))
        if rows.size == 0 or self.dropped_t[frame]:
            return np.zeros_like(garments_hw)
        head, height = int(rows[0]), int(rows[-1]) + 1 - int(rows[0])
        spoiled_hw = (garments_hw > 0).astype(np.uint8)
        offset_2 = self.offsets_t2[frame]
        noise_hw = _window(self.noise_hw, int(offset_2[0]), int(offset_2[1]), spoiled_hw.shape)
        if self.hidden_above_t[frame] < 256:
            seen_hw = self._similarity(noise_hw, head=head, top=top, left=left)
            hidden_hw = cv2.LUT(garments_hw, self.is_hidden_g) > 0
            spoiled_hw[hidden_hw & (seen_hw > self.hidden_above_t[frame])] = 0
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
            spoiled_hw |= _window(self.speckles_hw, top, left, spoiled_hw.shape)
        spoiled_hw[: head + round(self.lost_above_t[frame] * height)] = 0
        spoiled_hw[head + round(self.lost_below_t[frame] * height) :] = 0
        return spoiled_hw

    def _similarity(self, noise_hw: Mask, *, head: int, top: int, left: int) -> Mask:
        """How much every pixel of a cut looks like its background, 0 … 255."""
        place_hw = _window(self.place_hw, top, left, noise_hw.shape)
        cloth_hw = _window(self.cloth_hw, -head, -(noise_hw.shape[1] // 2), noise_hw.shape)
        lasting_hw = cv2.addWeighted(place_hw, self.place_weight, cloth_hw, self.cloth_weight, 0.0)
        flicker = 1.0 - self.place_weight - self.cloth_weight
        return cv2.addWeighted(lasting_hw, 1.0, noise_hw, flicker, 0.0).astype(np.uint8)


def draw_faults(
    settings: FaultSettings,
    rng: np.random.Generator,
    *,
    identity_seed: int,
    frames: int,
    walker_pixels: float,
) -> WalkFaults | None:
    """Draws the faults of one walk; None for a clean one.

    Args:
        settings: how often and how strongly.
        rng: where the chance comes from.
        identity_seed: whose clothes they are.
        frames: T.
        walker_pixels: height of the walker.
    """
    if rng.uniform() >= settings.share:
        return None
    strength = settings.strength

    def happens(chance: float) -> bool:
        return bool(rng.uniform() < chance)

    coarse = happens(settings.coarse)
    block = max(2, round(walker_pixels / rng.uniform(38.0, 70.0 if coarse else 110.0)))
    noise_hw = _blocks(rng, block)
    # Clothes: which garments are hidden, how much of them, and where.
    clothes = np.random.default_rng([identity_seed, 0xC1]) if happens(_SAME_CLOTHES_CHANCE) else rng
    hidden = _HIDDEN[int(clothes.choice(len(_HIDDEN), p=_HIDDEN_CHANCES))]
    lost_share = strength * float(clothes.uniform(0.05, 0.45))
    cloth_hw, place_hw = _camouflage(clothes, block), _camouflage(rng, block)
    flicker = float(rng.uniform(0.1, 0.4))
    cloth_weight = float(rng.uniform(0.0, 1.0)) * (1.0 - flicker)
    place_weight = 1.0 - flicker - cloth_weight
    hidden_above_t = np.full(frames, 256.0)
    if happens(settings.camouflage):
        lost_t = np.clip(lost_share * (1.0 + 0.5 * _drift(rng, frames)), 0.0, 0.9)
        mixed_hw = place_weight * place_hw + cloth_weight * cloth_hw + flicker * noise_hw
        hidden_above_t = np.quantile(mixed_hw[::16, ::16], 1.0 - lost_t)
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
    lost_above_t = np.zeros(frames)
    if happens(settings.frayed):  # hair and soles come and go from frame to frame
        spread = strength * rng.uniform(0.004, 0.022)
        lost_above_t = np.abs(rng.normal(0.0, spread, frames))
        lost_below_t = lost_below_t - np.abs(rng.normal(0.0, spread, frames))
    is_hidden_g = np.zeros(256, np.uint8)
    is_hidden_g[list(hidden)] = 1
    return WalkFaults(
        block=block,
        is_hidden_g=is_hidden_g,
        place_hw=place_hw,
        cloth_hw=cloth_hw,
        place_weight=place_weight,
        cloth_weight=cloth_weight,
        hidden_above_t=hidden_above_t,
        ragged_t=ragged_t,
        noise_hw=noise_hw,
        offsets_t2=rng.integers(0, 256, (frames, 2)),
        shadow_t=shadow_t,
        light_per_metre=(float(length * np.cos(direction)), float(length * np.sin(direction))),
        speckles_hw=_speckles(rng, block, strength),
        speckled_t=speckled_t,
        grown=_swelling(rng, walker_pixels, strength) if happens(settings.swelling) else 0,
        dropped_t=dropped_t,
        lost_above_t=lost_above_t,
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
