"""By how much each frame of a scene is brighter than the scene usually is.

A cloud, a lamp or the camera's own control changes the exposure of whole frames. It is told from
pixels on a grid: the walker covers few of them, and no more are needed.

Shape letters: T frames, H rows, W columns, C colour channels, P pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.capture.background import Background, estimate_background, levelled, sample_frames
from model.capture.medians import medians
from model.capture.small_frames import SmallFrames

_COMPARED_PIXELS = 1500
"""Of a frame. With 600, one real walk in seven was lost to noise."""
_FEWEST_PIXELS = 50
"""That are neither black nor white; with fewer the exposure cannot be told."""
_DARKEST, _BRIGHTEST = 16, 245
"""Grey levels between which a pixel follows the light."""


def empty_scene(frames: SmallFrames) -> tuple[Background, NDArray[np.float32]]:
    """The background, and by what factor per channel each frame is brighter than it, (T, C).

    Args:
        frames: small.
    """
    _, height, width, _ = frames.shape
    step = max(1, int(np.sqrt(height * width / _COMPARED_PIXELS)))
    grid_thwc = frames.sparse(step)
    numbers = sample_frames(len(frames))
    # A first median mixes exposures, but it levels the samples well enough for the second.
    rough_nc = _gains(grid_thwc[numbers], estimate_background(grid_thwc[numbers]))
    samples = zip(numbers, rough_nc, strict=True)
    background = estimate_background(
        np.stack([levelled(frames[number], gain_c) for number, gain_c in samples])
    )
    on_grid = Background(background.level_hwc[::step, ::step], background.noise_hw[::step, ::step])
    return background, _gains(grid_thwc, on_grid)


def _gains(grid_thwc: NDArray[np.uint8], background: Background) -> NDArray[np.float32]:
    """Medians over each frame: the walker covers less than half of it."""
    frames, _, _, channels = grid_thwc.shape
    level_pc = background.level_hwc.reshape(-1, channels)
    usable_p = ((level_pc > _DARKEST) & (level_pc < _BRIGHTEST)).all(axis=1)
    if usable_p.sum() < _FEWEST_PIXELS:
        return np.ones((frames, channels), np.float32)
    usable_tcp = np.moveaxis(grid_thwc.reshape(frames, -1, channels)[:, usable_p], 1, 2)
    ratio_tcp = np.ascontiguousarray(usable_tcp) / np.ascontiguousarray(level_pc[usable_p].T)
    gains_tc = np.clip(medians(ratio_tcp), np.float32(0.5), np.float32(2.0))
    return np.asarray(gains_tc, dtype=np.float32)
